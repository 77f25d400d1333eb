import { faultOfPath, faultOfPaths } from '../model/file-path.ts';
import type { Code } from '../model/function-record.ts';
import { PlatformError } from '../model/platform-error.ts';
import { UNZIP_LIMITS } from './unzip.ts';

const SOURCE_MAX_BYTES = 4 * 2 ** 20;

/** Refuses code that could not be laid out safely. Whether it runs is seen when it starts. */
export function checkCode(code: Code): void {
  switch (code.kind) {
    case 'builtin':
      return;
    case 'source': {
      const bytes = Buffer.byteLength(code.text);
      if (bytes > SOURCE_MAX_BYTES) tooLarge(`the source has ${bytes} bytes; at most ${SOURCE_MAX_BYTES}`);
      if (code.text.includes('\0')) refuse('the source has a NUL character in it: it is no text');
      return;
    }
    case 'files':
      checkFiles(code.files);
      return;
    default:
      code satisfies never;
  }
}

function checkFiles(files: ReadonlyMap<string, Uint8Array>): void {
  if (files.size === 0) refuse('there are no files');
  if (files.size > UNZIP_LIMITS.filesMax) tooLarge(`there are ${files.size} files; at most ${UNZIP_LIMITS.filesMax}`);
  let bytes = 0;
  for (const [path, content] of files) {
    const fault = faultOfPath(path);
    if (fault) refuse(`the path ${JSON.stringify(path.slice(0, 200))} ${fault}`);
    bytes += content.byteLength;
  }
  if (bytes > UNZIP_LIMITS.filesMaxBytes) {
    tooLarge(`the files have ${bytes} bytes; at most ${UNZIP_LIMITS.filesMaxBytes}`);
  }
  const fault = faultOfPaths(files.keys());
  if (fault) refuse(`the bundle ${fault}`);
}

function refuse(message: string): never {
  throw new PlatformError('code-invalid', message, { field: 'code' });
}

function tooLarge(message: string): never {
  throw new PlatformError('code-too-large', message, { field: 'code' });
}
