import { PATTERNS } from '../../../contract/paths.ts';
import { buildProblem } from '../../../contract/problem.ts';
import type { ControlPlane } from '../../control-plane/control-plane.ts';
import type { PlatformError } from '../../model/platform-error.ts';
import type { Reply } from '../../model/reply.ts';
import { parseJson } from '../read-body.ts';
import { type Route, route } from '../route.ts';

/** What autoscalers ask for: the paths, the limits and the problems of the control-plane contract. */
export function controlPlaneRoutes(controlPlane: ControlPlane): readonly Route[] {
  const options = { bodyMaxBytes: 64 * 1024, replyToError: tooLarge };
  return [
    route(
      'PUT',
      PATTERNS.prediction,
      ({ params, request: { headers }, body }) =>
        controlPlane.predict(params, { fencingToken: textOf(headers['fencing-token']), body: jsonIn(body) }),
      options,
    ),
    route('GET', PATTERNS.deployment, ({ params }) => controlPlane.deployment(params)),
    route('POST', PATTERNS.deployment, ({ params, body }) => controlPlane.deploy(params, jsonIn(body)), options),
    route(
      'PATCH',
      PATTERNS['gpu-specification'],
      ({ params, body }) => controlPlane.changeSpecification(params, jsonIn(body)),
      options,
    ),
    route('GET', PATTERNS['scaling-targets'], ({ query, request: { headers } }) =>
      controlPlane.targetsPage(query, { etag: headers['if-none-match'] }),
    ),
  ];
}

function tooLarge({ code, message }: PlatformError): Reply | undefined {
  return code === 'payload-too-large' ? { status: 413, body: buildProblem('too-large', message) } : undefined;
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/** The contract says what is wrong with a body that is no JSON; here it is as if there were none. */
function jsonIn(body: Buffer): unknown {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
