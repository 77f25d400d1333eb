import { boolean, choice, duration, integer, list, number, optional, secret, size, text, url } from '../option.ts';
import { tls } from './tls.ts';

/** Where wishes go. */
export const controlPlane = {
  kind: choice(
    ['http', 'kubernetes'],
    'http',
    'http: a control plane that speaks the contract, at controlPlane.url. kubernetes: Deployments and StatefulSets, by the Kubernetes API.',
  ),
  kubernetes: {
    namespaces: list(
      '',
      'Namespaces whose workloads are scaled; empty: the one of the Pod or of the kubeconfig context; *: all of them.',
      { pattern: /^(?:\*|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/, patternSays: 'names of namespaces, or *' },
    ),
    kubeconfigFile: optional.path(
      'Kubeconfig, for outside a cluster; unset: the service account of the Pod, or KUBECONFIG and ~/.kube/config.',
    ),
    context: optional.text('Context of the kubeconfig; unset: its current one.'),
  },
  url: url('http://localhost:8090', 'The control plane: the URL before /v2.', { flag: 'control-plane' }),
  auth: {
    kind: choice(['none', 'bearer', 'oauth2', 'mtls'], 'none', 'How to prove who we are.'),
    token: secret('Bearer token.'),
    tokenUrl: optional.url('Token endpoint (oauth2, client credentials).'),
    clientId: optional.text('Client id.'),
    clientSecret: secret('Client secret.'),
    scope: optional.text('Scope to ask for; the smaller the better.'),
    tokenTimeout: duration('5s', 'Deadline of one token request.', { min: '100ms', max: '2m' }),
    tokenRefreshAt: number('0.8', 'A token is renewed after this share of its life.', { min: '0.1', max: '0.99' }),
    tokenLifeMax: duration('1h', 'No token is believed to live longer, whatever the endpoint says.', {
      min: '10s',
      max: '7d',
    }),
  },
  tls,
  fencing: choice(
    ['fenced', 'plain'],
    'fenced',
    'fenced: it refuses older fencing tokens. plain: it ignores them; the order of writes is then bounded and healed, not promised.',
  ),
  timeout: duration('2500ms', 'Deadline of one wish, everything included.', { min: '100ms', max: '30s' }),
  ratePerSecond: number('500', 'Wishes a second of the whole fleet; each live member takes its share.', {
    min: '0.1',
    max: '100000',
  }),
  burst: integer('1000', 'Wishes that may go at once after a pause, again of the whole fleet.', {
    min: '1',
    max: '1000000',
  }),
  raiseShare: number('0.5', 'Share of the rate that only raises may use.', { min: '0', max: '1' }),
  breaker: {
    failures: integer('10', 'Failures in a row after which nothing is sent for a while.', { min: '1', max: '1000' }),
    openFor: duration('5s', 'How long.', { min: '100ms', max: '10m' }),
  },
  connections: integer('64', 'Connections at a time.', { min: '1', max: '1024' }),
  responseMax: size('64KiB', 'Larger answers to a wish are refused.', { min: '1KiB', max: '16MiB' }),
  targetsRefresh: duration('1m', 'How often bounds and policies are read again.', { min: '1s', max: '1h' }),
  targetsTimeout: duration('10s', 'Deadline of reading one page of them.', { min: '100ms', max: '2m' }),
  targetsResponseMax: size('16MiB', 'Larger pages are refused.', { min: '64KiB', max: '256MiB' }),
  targetsMode: choice(
    ['auto', 'bulk', 'single'],
    'auto',
    'bulk: pages of scaling targets. single: one read per version, cached. auto: bulk where the control plane offers it.',
  ),
  pageSize: integer('1000', 'Scaling targets on one page.', { min: '1', max: '1000' }),
  dryRun: boolean('false', 'Decide and record, but send nothing.', { flag: 'dry-run' }),
  dryRunFunctions: list('', 'Function ids or version ids for which nothing is sent.'),
  userAgent: text('starling', 'How requests introduce themselves.', {
    pattern: /^[\x21-\x7e]+( [\x21-\x7e]+)*$/,
    patternSays: 'printable text',
  }),
};
