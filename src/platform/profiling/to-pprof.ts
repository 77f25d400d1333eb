import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodePprof } from './pprof.ts';
import { PROFILE_KINDS, type ProfileType } from './profile-type.ts';
import type { Recorded } from './recorder.ts';
import type { StackSample } from './stack-profile.ts';

const compress = promisify(gzip);

/** One type of what was recorded, as pprof files are: a protocol buffer, compressed. */
export function toPprof(
  { profiles, startedMs, durationMs }: Recorded,
  {
    type,
    period,
    isWanted = () => true,
  }: { type: ProfileType; period: number; isWanted?: (labels: StackSample['labels']) => boolean },
): Promise<Buffer> {
  const samples = [...(profiles.get(type)?.samples() ?? [])].filter(({ labels }) => isWanted(labels));
  return compress(encodePprof({ ...PROFILE_KINDS[type], period, startedMs, durationMs, samples }));
}
