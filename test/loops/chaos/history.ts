/**
 * What happened in one run, in the order in which it happened. `atMs` is true time; `ownMs` is what the member's own
 * monotonic clock showed.
 */
export type ChaosEvent = { readonly atMs: number } & (
  | {
      /** A beat of this member was acknowledged to it. */
      readonly kind: 'beat';
      readonly member: string;
      readonly beganMs: number;
      readonly beganOwnMs: number;
    }
  | { readonly kind: 'leaving'; readonly member: string }
  | {
      readonly kind: 'claimed';
      readonly member: string;
      readonly versionId: string;
      readonly token: bigint;
      readonly wanted: number;
      readonly beganOwnMs: number;
    }
  | {
      readonly kind: 'sent';
      readonly member: string;
      readonly versionId: string;
      readonly token: bigint;
      readonly wanted: number;
      readonly ownMs: number;
      /** What the control plane held at that moment. */
      readonly standing: number;
    }
  | { readonly kind: 'accepted'; readonly versionId: string; readonly token: bigint; readonly wanted: number }
  /** A read of the signals came back to this member; the versions whose load it showed beyond doubt. */
  | { readonly kind: 'read'; readonly member: string; readonly sound: ReadonlySet<string> }
  /** Somebody asked for the version to be left alone from now on. */
  | { readonly kind: 'paused'; readonly versionId: string }
  | { readonly kind: 'duty-refused'; readonly member: string; readonly token: bigint }
  | { readonly kind: 'enrolled'; readonly member: string; readonly token: bigint }
);

export interface Rules {
  readonly bounds: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
  /** Versions for which nothing may be claimed or sent: dry run, or not active. */
  readonly untouchable: ReadonlySet<string>;
  /** Whether the control plane checks tokens; without that, order and cause of its count are not promised. */
  readonly isFenced: boolean;
  readonly selfStopMs: number;
  /** So much more where the member's machine slept, which its monotonic clock does not count. */
  readonly sleepSlackMs: number;
  readonly claimDeadlineMs: number;
  /** A lowering may rest on signals read this long before its claim. */
  readonly evidenceMs: number;
  /** What was decided before a pause may still be done for so long. */
  readonly pauseHeardMs: number;
  readonly sendsPerMinute: number;
  /** For so long after a raise was asked for, and accepted, a version of these is not lowered, whoever judges it. */
  readonly steadyMs: ReadonlyMap<string, number>;
}

/** Every promise that was broken, in words; none when all were kept. Knows nothing of how the product works. */
export function checkHistory(history: readonly ChaosEvent[], rules: Rules): string[] {
  const broken: string[] = [];
  const beats = new Map<string, Extract<ChaosEvent, { kind: 'beat' }>>();
  const left = new Set<string>();
  const claims = new Map<string, Extract<ChaosEvent, { kind: 'claimed' }>>();
  const senders = new Map<string, string>();
  const lastTokens = new Map<string, bigint>();
  /** The claim with which what is asked for now was asked for first; the same is asked for again while it is in doubt. */
  const asked = new Map<string, Extract<ChaosEvent, { kind: 'claimed' }>>();
  const accepted = new Map<
    string,
    { token: bigint; wanted: number; before: number | undefined; raisedMs: number | undefined }
  >();
  const sightings = new Map<string, number>();
  const pausedMs = new Map<string, number>();
  const refusedDuties = new Set<string>();
  const sends = new Map<string, number[]>();

  for (const event of history) {
    const tell = (what: string) => broken.push(`at ${event.atMs} ms: ${what}`);
    switch (event.kind) {
      case 'beat': {
        const newest = beats.get(event.member);
        if (!newest || event.beganOwnMs > newest.beganOwnMs) beats.set(event.member, event);
        break;
      }
      case 'leaving':
        left.add(event.member);
        break;
      case 'read':
        for (const versionId of event.sound) sightings.set(`${event.member} ${versionId}`, event.atMs);
        break;
      case 'claimed': {
        const { member, versionId, token } = event;
        if (rules.untouchable.has(versionId)) tell(`${member} claimed ${versionId}, which is not to be touched`);
        const other = claims.get(`${versionId} ${token}`);
        if (other && other.member !== member)
          tell(`${member} and ${other.member} both claimed ${versionId} at ${token}`);
        claims.set(`${versionId} ${token}`, event);
        if (asked.get(versionId)?.wanted !== event.wanted) asked.set(versionId, event);
        break;
      }
      case 'sent': {
        const { member, versionId, token, wanted } = event;
        const what = `${member} sent ${wanted} for ${versionId} under ${token}`;
        const sender = senders.get(`${versionId} ${token}`);
        if (sender !== undefined) tell(`${what}, which ${sender} had sent under already`);
        senders.set(`${versionId} ${token}`, member);

        const lastToken = lastTokens.get(`${member} ${versionId}`);
        if (lastToken !== undefined && token <= lastToken) tell(`${what} after it had sent under ${lastToken}`);
        lastTokens.set(`${member} ${versionId}`, token);

        if (rules.untouchable.has(versionId)) tell(`${what}, which is not to be touched`);
        const bounds = rules.bounds.get(versionId);
        if (!bounds || wanted < bounds.min || wanted > bounds.max) tell(`${what}, out of its bounds`);
        if (left.has(member)) tell(`${what} after it had said that it leaves`);

        const beat = beats.get(member);
        if (!beat) tell(`${what} without a beat that was ever acknowledged`);
        else {
          const [ownAgeMs, ageMs] = [event.ownMs - beat.beganOwnMs, event.atMs - beat.beganMs];
          if (ownAgeMs > rules.selfStopMs || ageMs > rules.selfStopMs + rules.sleepSlackMs)
            tell(`${what} with a beat ${ownAgeMs} ms old by its own clock, ${ageMs} ms in truth`);
        }

        const deafMs = event.atMs - (pausedMs.get(versionId) ?? event.atMs);
        if (deafMs > rules.pauseHeardMs) tell(`${what}, paused ${deafMs} ms before`);

        const claim = claims.get(`${versionId} ${token}`);
        if (!claim) tell(`${what} without a claim`);
        else if (claim.member !== member || claim.wanted !== wanted)
          tell(`${what}, but the claim was ${claim.member}'s for ${claim.wanted}`);
        else if (event.ownMs - claim.beganOwnMs > rules.claimDeadlineMs)
          tell(`${what} ${event.ownMs - claim.beganOwnMs} ms after its claim`);

        if (rules.isFenced && wanted < event.standing) {
          const seenMs = sightings.get(`${member} ${versionId}`);
          if (seenMs === undefined || event.atMs - seenMs > rules.evidenceMs)
            tell(`${what}, down from ${event.standing}, without having seen its load (last at ${seenMs} ms)`);
        }

        const minute = (sends.get(versionId) ?? []).filter((atMs) => event.atMs - atMs < 60_000);
        minute.push(event.atMs);
        sends.set(versionId, minute);
        if (minute.length > rules.sendsPerMinute) tell(`${what}, the ${minute.length}th within a minute`);
        break;
      }
      case 'accepted': {
        const { versionId, token, wanted } = event;
        const before = accepted.get(versionId);
        if (rules.isFenced && before !== undefined && token <= before.token)
          tell(`the control plane took ${wanted} for ${versionId} under ${token} after ${before.token}`);
        // A lowering in doubt is taken back first, by asking again for what stood before it: that is no new raise.
        const isRaise = before !== undefined && wanted > Math.max(before.wanted, before.before ?? wanted);
        const raisedMs = isRaise ? (asked.get(versionId)?.atMs ?? event.atMs) : before?.raisedMs;
        const steadyMs = event.atMs - (raisedMs ?? Number.NEGATIVE_INFINITY);
        if (rules.isFenced && before && wanted < before.wanted && steadyMs < (rules.steadyMs.get(versionId) ?? 0))
          tell(`${versionId} fell from ${before.wanted} to ${wanted} ${steadyMs} ms after its raise was asked for`);
        if (!senders.has(`${versionId} ${token}`)) tell(`the control plane took ${token} of ${versionId}, never sent`);
        accepted.set(versionId, { token, wanted, before: before?.wanted, raisedMs });
        break;
      }
      case 'paused':
        pausedMs.set(event.versionId, event.atMs);
        break;
      case 'duty-refused':
        refusedDuties.add(`${event.member} ${event.token}`);
        break;
      case 'enrolled':
        if (refusedDuties.has(`${event.member} ${event.token}`))
          tell(`${event.member} enrolled versions under ${event.token} after it was refused`);
        break;
      default:
        event satisfies never;
    }
  }
  return broken;
}
