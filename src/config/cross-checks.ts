import { isLoopback } from '../lib/loopback.ts';
import type { PlainConfig } from './config.ts';
import type { Conflict } from './derive.ts';
import { formatDuration as show } from './duration.ts';

/** What no option can know alone. Each rule says why it must hold. */
export function crossCheck(config: PlainConfig): Conflict[] {
  return [
    ...checkMembership(config),
    ...checkDuty(config),
    ...checkScaling(config),
    ...checkTimeseries(config),
    ...checkControlPlane(config),
    ...checkStore(config),
    ...checkListeners(config),
    ...checkShutdown(config),
  ];
}

function checkMembership({ membership, controlPlane, store }: PlainConfig): Conflict[] {
  const { beatMs, deadAfterMs, selfStopMs, rowTtlMs } = membership;
  return [
    ...unless(deadAfterMs > 2 * beatMs, {
      key: 'membership.deadAfter',
      says: `${show(deadAfterMs)} is not more than twice membership.beat (${show(beatMs)}): one late heartbeat would look like a death`,
      mend: `give more than ${show(2 * beatMs)}, or beat faster`,
    }),
    ...unless(selfStopMs + controlPlane.timeoutMs < deadAfterMs, {
      key: 'membership.selfStop',
      says: `${show(selfStopMs)} and controlPlane.timeout (${show(controlPlane.timeoutMs)}) together are not less than membership.deadAfter (${show(deadAfterMs)}): a member cut off from the store could still send when others have taken over`,
      mend: 'lower membership.selfStop or controlPlane.timeout, or raise membership.deadAfter',
    }),
    ...unless(selfStopMs > beatMs, {
      key: 'membership.selfStop',
      says: `${show(selfStopMs)} is not more than membership.beat (${show(beatMs)}): this member would stop between two heartbeats`,
      mend: `give more than ${show(beatMs)}`,
    }),
    ...unless(store.statementTimeoutMs < selfStopMs, {
      key: 'store.statementTimeout',
      says: `${show(store.statementTimeoutMs)} is not less than membership.selfStop (${show(selfStopMs)}): one slow heartbeat would stop this member`,
      mend: `give less than ${show(selfStopMs)}`,
    }),
    ...unless(rowTtlMs > 4 * deadAfterMs, {
      key: 'membership.rowTtl',
      says: `${show(rowTtlMs)} is not more than four times membership.deadAfter (${show(deadAfterMs)}): a row could vanish before its death was seen`,
      mend: `give more than ${show(4 * deadAfterMs)}`,
    }),
  ];
}

function checkDuty({ discovery }: PlainConfig): Conflict[] {
  const { dutyRenewMs, dutyStopMs, dutyExpireMs, ttlMs, refreshAfterMs, heldAfterMs, intervalMs } = discovery;
  return [
    ...unless(dutyRenewMs * 2 < dutyStopMs, {
      key: 'discovery.dutyStop',
      says: `${show(dutyStopMs)} is not more than twice discovery.dutyRenew (${show(dutyRenewMs)}): one late renewal would end a tenure`,
      mend: `give more than ${show(2 * dutyRenewMs)}, or renew more often`,
    }),
    ...unless(dutyStopMs < dutyExpireMs, {
      key: 'discovery.dutyExpire',
      says: `${show(dutyExpireMs)} is not more than discovery.dutyStop (${show(dutyStopMs)}): a follower could start before the holder stops`,
      mend: `give more than ${show(dutyStopMs)}`,
    }),
    ...unless(refreshAfterMs * 2 <= ttlMs, {
      key: 'discovery.refreshAfter',
      says: `${show(refreshAfterMs)} is more than half of discovery.ttl (${show(ttlMs)}): one missed refresh would lose an active version`,
      mend: `give at most ${show(ttlMs / 2)}, or raise discovery.ttl`,
    }),
    ...unless(heldAfterMs + 2 * intervalMs < ttlMs, {
      key: 'discovery.heldAfter',
      says: `${show(heldAfterMs)} leaves no time before discovery.ttl (${show(ttlMs)}): an outage of the time-series store would empty the fleet`,
      mend: `give less than ${show(Math.max(0, ttlMs - 2 * intervalMs))}`,
    }),
  ];
}

function checkScaling({ scaling, timeseries, controlPlane }: PlainConfig): Conflict[] {
  const { lookBackMs, stepMs, utilisationWindowMs, claimDeadlineMs, claimHoldMs } = scaling;
  const windowMs = utilisationWindowMs ?? 2 * timeseries.scrapeIntervalMs;
  return [
    ...unless(lookBackMs % stepMs === 0 && lookBackMs >= 2 * stepMs, {
      key: 'scaling.lookBack',
      says: `${show(lookBackMs)} is not a multiple of scaling.step (${show(stepMs)})`,
      mend: `give ${show(Math.max(2, Math.ceil(lookBackMs / stepMs)) * stepMs)}`,
    }),
    ...unless(windowMs % timeseries.scrapeIntervalMs === 0 && windowMs >= 2 * timeseries.scrapeIntervalMs, {
      key: 'scaling.utilisationWindow',
      says: `${show(windowMs)} is not a multiple of timeseries.scrapeInterval (${show(timeseries.scrapeIntervalMs)}), two at least: VictoriaMetrics would be off by up to 14 %`,
      mend: `give ${show(Math.max(2, Math.ceil(windowMs / timeseries.scrapeIntervalMs)) * timeseries.scrapeIntervalMs)}`,
    }),
    ...unless(controlPlane.timeoutMs <= claimDeadlineMs, {
      key: 'controlPlane.timeout',
      says: `${show(controlPlane.timeoutMs)} is longer than scaling.claimDeadline (${show(claimDeadlineMs)}), which cuts it short`,
      mend: `give at most ${show(claimDeadlineMs)}`,
    }),
    ...unless(claimHoldMs > controlPlane.timeoutMs, {
      key: 'scaling.claimHold',
      says: `${show(claimHoldMs)} is not more than controlPlane.timeout (${show(controlPlane.timeoutMs)}): a wish could still be on its way when the next is sent`,
      mend: `give more than ${show(controlPlane.timeoutMs)}`,
    }),
    ...unless(scaling.retryDelayMs <= scaling.retryDelayMaxMs, {
      key: 'scaling.retryDelay',
      says: `${show(scaling.retryDelayMs)} is longer than scaling.retryDelayMax (${show(scaling.retryDelayMaxMs)})`,
      mend: `give at most ${show(scaling.retryDelayMaxMs)}`,
    }),
  ];
}

function checkTimeseries({ timeseries, scaling }: PlainConfig): Conflict[] {
  const { auth } = timeseries;
  const lacks = (key: string) => needed(`timeseries.${key}`, `timeseries.auth.kind is ${auth.kind}`);
  return [
    ...checkClient('timeseries', timeseries),
    ...(auth.kind === 'basic' || auth.kind === 'token-exchange'
      ? [
          ...unless(auth.user !== undefined, lacks('auth.user')),
          ...unless(hasSecret(auth.password), lacks('auth.passwordFile')),
        ]
      : []),
    ...(auth.kind === 'token-exchange' ? unless(auth.exchangeUrl !== undefined, lacks('auth.exchangeUrl')) : []),
    ...(auth.kind === 'token-exchange' ? checkCleartext('timeseries.auth.exchangeUrl', auth.exchangeUrl) : []),
    ...unless(timeseries.timeoutMs <= scaling.intervalMs, {
      key: 'timeseries.timeout',
      says: `${show(timeseries.timeoutMs)} is longer than scaling.interval (${show(scaling.intervalMs)}): a slow answer would cost a cycle`,
      mend: `give at most ${show(scaling.intervalMs)}`,
    }),
    ...unless(timeseries.profiles.length > 0, needed('timeseries.profiles', 'signals come from profiles')),
    ...unless(new Set(timeseries.profiles).size === timeseries.profiles.length, {
      key: 'timeseries.profiles',
      says: 'names a profile twice',
      mend: 'name each once, best first',
    }),
  ];
}

function checkControlPlane({ controlPlane }: PlainConfig): Conflict[] {
  const { auth } = controlPlane;
  const lacks = (key: string) => needed(`controlPlane.${key}`, `controlPlane.auth.kind is ${auth.kind}`);
  return [
    ...checkClient('controlPlane', controlPlane),
    ...(auth.kind === 'oauth2'
      ? [
          ...unless(auth.tokenUrl !== undefined, lacks('auth.tokenUrl')),
          ...unless(auth.clientId !== undefined, lacks('auth.clientId')),
          ...unless(hasSecret(auth.clientSecret), lacks('auth.clientSecretFile')),
        ]
      : []),
    ...(auth.kind === 'oauth2' ? checkCleartext('controlPlane.auth.tokenUrl', auth.tokenUrl) : []),
  ];
}

/** What every client of an HTTP API needs for its kind of authentication. */
function checkClient<Key extends 'timeseries' | 'controlPlane'>(key: Key, client: PlainConfig[Key]): Conflict[] {
  const { url, auth, tls } = client;
  const isMtls = auth.kind === 'mtls';
  const lacks = (name: string) => needed(`${key}.${name}`, `${key}.auth.kind is ${auth.kind}`);
  return [
    ...(auth.kind === 'bearer' ? unless(hasSecret(auth.token), lacks('auth.tokenFile')) : []),
    ...(isMtls ? unless(tls.certFile !== undefined, lacks('tls.certFile')) : []),
    ...checkTls(`${key}.tls`, tls),
    ...(auth.kind === 'none' || isMtls ? [] : checkCleartext(`${key}.url`, url)),
    ...unless(!isMtls || url.startsWith('https:'), {
      key: `${key}.url`,
      says: 'must be https:// for a client certificate',
      mend: 'use https://',
    }),
  ];
}

function checkStore({ store }: PlainConfig): Conflict[] {
  const { cassandra } = store;
  return [
    ...unless(
      cassandra.user === undefined || hasSecret(cassandra.password),
      needed('store.cassandra.passwordFile', 'store.cassandra.user is set'),
    ),
    ...checkTls('store.cassandra.tls', cassandra.tls),
    ...unless(cassandra.tls.enabled || !(cassandra.tls.caFile || cassandra.tls.certFile || cassandra.tls.insecure), {
      key: 'store.cassandra.tls.enabled',
      says: 'is false although other TLS options are set: nothing would be encrypted',
      mend: 'set it to true, or remove the others',
    }),
  ];
}

function checkListeners({ http }: PlainConfig): Conflict[] {
  const conflicts: Conflict[] = [];
  const taken = new Map<number, string>();
  for (const name of ['admin', 'health', 'metrics'] as const) {
    const { port = 0 } = http[name] ?? {};
    if (port === 0) continue;
    const other = taken.get(port);
    if (other) {
      const says = `listens on port ${port} as http.${other} does`;
      conflicts.push({ key: `http.${name}`, says, mend: 'give each listener a port of its own' });
    }
    taken.set(port, name);
  }
  const isOpen = http.admin && !isLoopback(http.admin.host) && !hasSecret(http.adminToken);
  return [
    ...conflicts,
    ...unless(!isOpen, {
      key: 'http.admin',
      says: 'is open beyond this machine without a token: anybody could pause the fleet',
      mend: 'set http.adminTokenFile, or listen on 127.0.0.1',
    }),
  ];
}

function checkShutdown({ shutdown, controlPlane }: PlainConfig): Conflict[] {
  return [
    ...unless(shutdown.drainMs < shutdown.exitAfterMs, {
      key: 'shutdown.exitAfter',
      says: `${show(shutdown.exitAfterMs)} is not more than shutdown.drain (${show(shutdown.drainMs)})`,
      mend: `give more than ${show(shutdown.drainMs)}`,
    }),
    ...unless(controlPlane.timeoutMs <= shutdown.exitAfterMs, {
      key: 'shutdown.exitAfter',
      says: `${show(shutdown.exitAfterMs)} is less than controlPlane.timeout (${show(controlPlane.timeoutMs)})`,
      mend: `give at least ${show(controlPlane.timeoutMs)}`,
    }),
  ];
}

function checkTls(key: string, tls: { certFile: string | undefined; keyFile: string | undefined }): Conflict[] {
  if ((tls.certFile === undefined) === (tls.keyFile === undefined)) return [];
  const [given, missing] = tls.certFile ? ['certFile', 'keyFile'] : ['keyFile', 'certFile'];
  return [needed(`${key}.${missing}`, `${key}.${given} is set, and a certificate and its key go together`)];
}

/** Anyone on the way reads credentials over plain HTTP, unless they never leave the machine. */
function checkCleartext(key: string, url: string | undefined): Conflict[] {
  if (url === undefined) return [];
  const { protocol, hostname } = new URL(url);
  return unless(protocol === 'https:' || isLoopback(hostname), {
    key,
    says: 'would carry credentials over plain HTTP',
    mend: 'use https://',
  });
}

function needed(key: string, because: string): Conflict {
  return { key, says: `is missing: ${because}`, mend: `set ${key}` };
}

function hasSecret(ref: { file: string | undefined; inline: unknown }): boolean {
  return ref.file !== undefined || ref.inline !== undefined;
}

function unless(holds: boolean, conflict: Conflict): Conflict[] {
  return holds ? [] : [conflict];
}
