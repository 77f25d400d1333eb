import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const CASSANDRA_VERSION = '5.0.9';

/** Cassandra cannot be started on this machine; `message` says why and what would help. */
export class CassandraUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CassandraUnavailable';
  }
}

export interface CassandraJars {
  readonly java: string;
  readonly keytool: string;
  readonly folder: string;
}

/** Undefined where Cassandra can be started, else the reason that a person should read. */
export async function whyNoCassandra(): Promise<string | undefined> {
  try {
    await locateCassandra();
    return undefined;
  } catch (error) {
    if (error instanceof CassandraUnavailable) return error.message;
    throw error;
  }
}

/** Finds a JDK 17 and the jars, fetching these once into the cache folder. */
export async function locateCassandra(onProgress: (line: string) => void = () => {}): Promise<CassandraJars> {
  const java = await findJava();
  const folder = join(cacheFolder(), `cassandra-${CASSANDRA_VERSION}`);
  // The folder gets its name only when it is complete, so that it is there means that it is whole.
  if (!existsSync(folder)) await fetchJars(folder, onProgress);
  return { java, keytool: java.replace(/java$/, 'keytool'), folder };
}

function cacheFolder(): string {
  const { STARLING_CACHE, XDG_CACHE_HOME } = process.env;
  if (STARLING_CACHE) return STARLING_CACHE;
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'starling');
}

async function findJava(): Promise<string> {
  const candidates = process.env['JAVA_HOME'] ? [join(process.env['JAVA_HOME'], 'bin', 'java')] : [];
  candidates.push('java');
  const installed = await readdir('/usr/lib/jvm').catch(() => []);
  for (const name of installed) if (/17/.test(name)) candidates.push(join('/usr/lib/jvm', name, 'bin', 'java'));
  const seen: string[] = [];
  for (const candidate of candidates) {
    const version = await javaMajor(candidate);
    if (version === 17) return candidate;
    if (version !== undefined) seen.push(`${candidate} is Java ${version}`);
  }
  const found = seen.length > 0 ? seen.join(', ') : 'no java was found';
  throw new CassandraUnavailable(`Cassandra ${CASSANDRA_VERSION} needs a JDK 17 (${found}); set JAVA_HOME to one`);
}

async function javaMajor(java: string): Promise<number | undefined> {
  try {
    const { stderr } = await run(java, ['-version'], { timeout: 20_000 });
    const match = /version "(\d+)/.exec(stderr);
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

async function fetchJars(folder: string, onProgress: (line: string) => void): Promise<void> {
  onProgress(`fetching the jars of Cassandra ${CASSANDRA_VERSION} (66 MB, once) into ${folder}`);
  const project = await mkdtemp(join(tmpdir(), 'starling-jars-'));
  const partial = `${folder}.${process.pid}.partial`;
  try {
    await writeFile(join(project, 'pom.xml'), POM);
    await mkdir(partial, { recursive: true });
    const goals = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`];
    await run('mvn', goals, { cwd: project, timeout: 300_000 });
    await rename(partial, folder).catch(async (error) => {
      // Somebody else was faster: theirs is as good.
      if (!existsSync(folder)) throw error;
    });
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = isMissing ? 'mvn is not installed' : firstLines(error);
    throw new CassandraUnavailable(`the jars of Cassandra could not be fetched with Maven: ${why}`, { cause: error });
  } finally {
    await rm(project, { recursive: true, force: true });
    await rm(partial, { recursive: true, force: true });
  }
}

function firstLines(error: unknown): string {
  const { stdout = '', stderr = '', message = '' } = error as { stdout?: string; stderr?: string; message?: string };
  return (stdout + stderr || message).trim().split('\n').slice(0, 3).join(' ');
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>starling</groupId>
  <artifactId>cassandra-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
      <version>${CASSANDRA_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
