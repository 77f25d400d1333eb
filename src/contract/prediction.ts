import { z } from 'zod';
import type { FunctionStatus } from '../domain/target.ts';
import { id, instanceCount } from './counts.ts';
import { parseToken } from './fencing.ts';
import { readFunctionStatus, reportedCount, type ScalingStatus, scalingStatus } from './fields.ts';
import { buildProblem, fieldErrors, invalidRequest, type WireProblem } from './problem.ts';

const bodySchema = z.object({
  requiredNumberOfInstances: instanceCount,
  /** When it was decided. A note for people. */
  predictedAt: z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time' }).optional(),
  /** Given: only this deployment of the version is meant. */
  deploymentId: id.optional(),
});

/** The body of a PUT: what should run. */
export type PredictionBody = Readonly<z.infer<typeof bodySchema>>;

export function buildPredictionBody(wish: { wanted: number; decidedMs: number }): PredictionBody {
  return { requiredNumberOfInstances: wish.wanted, predictedAt: new Date(wish.decidedMs).toISOString() };
}

export type ParsedPrediction =
  | { readonly ok: true; readonly body: PredictionBody; readonly token: bigint | undefined }
  | { readonly ok: false; readonly problem: WireProblem };

/** The serving side: a PUT as it came. `demandsToken`: a write without one is answered 428. */
export function parsePrediction(
  request: { body: unknown; fencingToken: string | undefined },
  { demandsToken }: { demandsToken: boolean },
): ParsedPrediction {
  const parsed = bodySchema.safeParse(request.body);
  const errors = parsed.success ? [] : fieldErrors(parsed.error.issues);
  const token = parseToken(request.fencingToken);
  if (request.fencingToken !== undefined && token === undefined) {
    errors.push({ pointer: 'header:Fencing-Token', message: 'must be decimal digits, below 2^63' });
  }
  if (!parsed.success || errors.length > 0) return invalidRequest(errors);
  if (token === undefined && demandsToken) {
    const detail = 'send the Fencing-Token header: writes without one are not ordered';
    return { ok: false, problem: buildProblem('fencing-token-required', detail) };
  }
  return { ok: true, body: parsed.data, token };
}

/** The answer to a PUT. */
export interface PredictionAnswer {
  readonly activeInstances: number;
  readonly pendingInstances: number;
  readonly allocatingInstances: number;
  readonly terminatingInstances: number;
  readonly functionStatus: FunctionStatus;
  readonly scalingStatus: ScalingStatus;
}

const answerSchema = z.object({
  activeInstances: reportedCount,
  pendingInstances: reportedCount,
  functionStatus: z
    .unknown()
    .optional()
    .transform((text) => (text === undefined ? undefined : readFunctionStatus(text))),
  scalingStatus,
});

export type ReceivedPrediction = z.infer<typeof answerSchema>;

/** The asking side. Undefined: this is no answer of a control plane. Single fields that make no sense are left out. */
export function parsePredictionAnswer(body: unknown): ReceivedPrediction | undefined {
  return answerSchema.safeParse(body).data;
}
