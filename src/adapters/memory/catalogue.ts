import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Bucket } from '../../domain/bucket.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Line } from './line.ts';

export class MemoryCatalogue implements Catalogue {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  enrol(bucket: Bucket, versions: readonly ActiveVersion[], options: { ttlSeconds: number }): Promise<void> {
    return this.#line.call('catalogue.enrol', () => {
      const { active, clock } = this.#line.world;
      const expiresMs = clock.wallMs() + options.ttlSeconds * 1000;
      const shelf = active.shelf(bucket);
      for (const version of versions) shelf.set(version.versionId, { row: { ...version, bucket }, expiresMs });
    });
  }

  read(buckets: readonly Bucket[]): Promise<ActiveVersion[]> {
    return this.#line.call('catalogue.read', () => {
      const { active, clock } = this.#line.world;
      const nowMs = clock.wallMs();
      const rows: ActiveVersion[] = [];
      for (const bucket of new Set(buckets)) {
        for (const { row, expiresMs } of active.peek(bucket)?.values() ?? []) if (expiresMs > nowMs) rows.push(row);
      }
      return rows;
    });
  }
}
