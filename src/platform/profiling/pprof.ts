import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { PROFILE_KINDS, type ProfileKind, type ProfileType, type ValueKind } from './profile-type.ts';
import type { Recorded } from './recorder.ts';
import { type Frame, frameKey, type StackSample } from './stack-profile.ts';

export interface PprofOptions extends ProfileKind, Omit<Recorded, 'profiles'> {
  /** What lies between two samples. */
  readonly period: number;
  readonly samples: Iterable<StackSample>;
}

const compress = promisify(gzip);

/** One type of what was recorded, as pprof files are: a protocol buffer, compressed. */
export function toPprof(
  { profiles, startedMs, durationMs }: Recorded,
  of: { type: ProfileType; period: number; isWanted?: (labels: StackSample['labels']) => boolean },
): Promise<Buffer> {
  const { type, period, isWanted = () => true } = of;
  const samples = [...(profiles.get(type)?.samples() ?? [])].filter(({ labels }) => isWanted(labels));
  return compress(encodePprof({ ...PROFILE_KINDS[type], period, startedMs, durationMs, samples }));
}

/** A profile in the protocol buffer that pprof reads, not compressed. */
export function encodePprof(options: PprofOptions): Uint8Array {
  const tables = new Tables();
  const kindOf = ({ type, unit }: ValueKind) =>
    new ValueType({ type: tables.strings.dedup(type), unit: tables.strings.dedup(unit) });
  const sample: Sample[] = [];
  for (const { frames, labels, values } of options.samples) {
    sample.push(
      new Sample({
        locationId: frames.map((frame) => tables.location(frame)),
        value: values.map(whole),
        label: Object.entries(labels).map(
          ([key, value]) => new Label({ key: tables.strings.dedup(key), str: tables.strings.dedup(value) }),
        ),
      }),
    );
  }
  return new Profile({
    sampleType: options.kinds.map(kindOf),
    sample,
    location: tables.locations,
    function: tables.functions,
    stringTable: tables.strings,
    timeNanos: BigInt(Math.round(options.startedMs)) * 1_000_000n,
    durationNanos: whole(options.durationMs * 1_000_000),
    periodType: kindOf(options.periodKind),
    period: whole(options.period),
  }).encode();
}

/** What samples refer to by number, from 1. */
class Tables {
  readonly strings = new StringTable();
  readonly locations: Location[] = [];
  readonly functions: PprofFunction[] = [];
  readonly #locationIds = new Map<string, number>();
  readonly #functionIds = new Map<string, number>();

  location(frame: Frame): number {
    const { name, file, line } = frame;
    const key = frameKey(frame);
    let id = this.#locationIds.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      this.#locationIds.set(key, id);
      const at = new Line({ functionId: this.#function(name, file), line: whole(line) });
      this.locations.push(new Location({ id, line: [at] }));
    }
    return id;
  }

  #function(name: string, file: string): number {
    const key = `${name}\t${file}`;
    let id = this.#functionIds.get(key);
    if (id === undefined) {
      id = this.functions.length + 1;
      this.#functionIds.set(key, id);
      const shown = this.strings.dedup(name);
      this.functions.push(
        new PprofFunction({ id, name: shown, systemName: shown, filename: this.strings.dedup(file) }),
      );
    }
    return id;
  }
}

/** None is negative, and none larger than a double holds exactly: functions could have made up any number. */
function whole(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(0, Math.round(value)), Number.MAX_SAFE_INTEGER);
}
