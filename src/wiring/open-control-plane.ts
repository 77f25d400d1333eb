import { ControlPlaneConnection } from '../adapters/control-plane/connection.ts';
import { HttpTargetSource } from '../adapters/control-plane/http-target-source.ts';
import { HttpWishSender } from '../adapters/control-plane/http-wish-sender.ts';
import type { Auth } from '../adapters/wire/auth.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/problem.ts';
import type { Secrets } from '../config/secrets.ts';
import { type ConnectionTools, tlsOf } from './connection-tools.ts';
import { type ControlPlane, policyReading, READS_TEXT, WISHES_TEXT } from './control-plane.ts';
import { openActuator } from './open-actuator.ts';
import { openKubernetes } from './open-kubernetes.ts';

export function openControlPlane(config: Config, tools: ConnectionTools): ControlPlane {
  switch (config.controlPlane.kind) {
    case 'http':
      return openHttpControlPlane(config, tools);
    case 'kubernetes':
      return openKubernetes(config, tools);
    default:
      return config.controlPlane.kind satisfies never;
  }
}

export function openHttpControlPlane(
  config: Config,
  { secrets, clock, random, meters }: Omit<ConnectionTools, 'logger'>,
): ControlPlane & { readonly targets: HttpTargetSource } {
  const { controlPlane } = config;
  const material = secrets.tls('controlPlane.tls', controlPlane.tls);
  const connection = new ControlPlaneConnection({
    url: controlPlane.url,
    clock,
    random,
    meters,
    auth: authOf(config, secrets),
    tls: () => tlsOf(material, controlPlane.tls),
    connectionsMax: controlPlane.connections,
    userAgent: controlPlane.userAgent,
  });
  const { fencing: strength, responseMaxBytes } = controlPlane;
  const sender = new HttpWishSender({ connection, clock, random, strength, responseMaxBytes });
  const actuator = openActuator(sender, config, { clock, random, meters });
  const targets = new HttpTargetSource({
    connection,
    clock,
    random,
    meters,
    ...policyReading(config),
    mode: controlPlane.targetsMode,
    refreshMs: controlPlane.targetsRefreshMs,
    timeoutMs: controlPlane.targetsTimeoutMs,
    responseMaxBytes: controlPlane.targetsResponseMaxBytes,
    pageSize: controlPlane.pageSize,
  });
  return {
    actuator,
    targets,
    shareRate: (members) => actuator.setLiveMembers(members),
    check: async () => {
      const [wishes, reads] = [actuator.status(), targets.status()];
      const worst = [wishes, reads].find(
        ({ lastErrorWallMs, lastSuccessWallMs }) => (lastErrorWallMs ?? 0) > (lastSuccessWallMs ?? 0),
      );
      if (worst) throw new Error(worst.lastError);
      if (wishes.isDryRun) return 'dry run: nothing is sent';
      return `${WISHES_TEXT[wishes.breaker]}, ${READS_TEXT[reads.mode]}`;
    },
    close: () => connection.close(),
  };
}

function authOf(config: Config, secrets: Secrets): Auth {
  const { auth } = config.controlPlane;
  switch (auth.kind) {
    case 'none':
    case 'mtls':
      return { kind: auth.kind };
    case 'bearer': {
      const token = secrets.secret('controlPlane.auth.token', auth.token);
      return { kind: 'bearer', token: () => needed(token, 'controlPlane.auth.token').current().reveal() };
    }
    case 'oauth2': {
      const secret = secrets.secret('controlPlane.auth.clientSecret', auth.clientSecret);
      return {
        kind: 'oauth2',
        tokenUrl: needed(auth.tokenUrl, 'controlPlane.auth.tokenUrl'),
        clientId: needed(auth.clientId, 'controlPlane.auth.clientId'),
        clientSecret: () => needed(secret, 'controlPlane.auth.clientSecret').current().reveal(),
        scope: auth.scope,
        timeoutMs: auth.tokenTimeoutMs,
        refreshAtShare: auth.tokenRefreshAt,
        lifeMaxMs: auth.tokenLifeMaxMs,
      };
    }
    default:
      return auth.kind satisfies never;
  }
}

/** The configuration was checked before; this narrows the type. */
function needed<T>(value: T | undefined, key: string): T {
  if (value !== undefined) return value;
  const says = 'is needed for this kind of authentication';
  throw new ConfigError([{ key, source: 'default', says, mend: `set ${key}` }]);
}
