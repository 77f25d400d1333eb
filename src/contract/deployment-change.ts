import { z } from 'zod';
import type { Policy } from '../domain/policy.ts';
import {
  autoscalingConfigurationSchema,
  CONFIGURATION_POLICIES,
  policyOfConfiguration,
  type ReceivedConfiguration,
} from './autoscaling-configuration.ts';
import { concurrency, id, instanceCount } from './counts.ts';
import { type FieldError, fieldErrors, invalidRequest, type WireProblem } from './problem.ts';

/** Bounds that can be kept: something may run, and the floor is not above the ceiling. */
const maxInstances = instanceCount.refine((count) => count > 0, 'must be above 0');

const creationSchema = z.object({
  deploymentSpecifications: z
    .array(
      z
        .object({
          gpuSpecificationId: id.optional(),
          minInstances: instanceCount,
          maxInstances,
          maxRequestConcurrency: concurrency.default(1),
        })
        .refine(({ minInstances: min, maxInstances: max }) => min <= max, {
          path: ['minInstances'],
          error: 'must not be above maxInstances',
        }),
    )
    .min(1, 'must name at least one specification')
    .max(100, 'must be 100 specifications or fewer'),
});

type DeploymentRequest = z.infer<typeof creationSchema>;

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: WireProblem };

/** The serving side: POST of a deployment. Policies are not accepted here; they come by PATCH. */
export function parseDeploymentRequest(body: unknown): Parsed<DeploymentRequest> {
  const parsed = creationSchema.safeParse(body);
  return parsed.success ? { ok: true, value: parsed.data } : invalidRequest(fieldErrors(parsed.error.issues));
}

const changeSchema = z.object({
  minInstances: instanceCount.optional(),
  maxInstances: maxInstances.optional(),
  autoscalingConfigurationPolicy: z.enum(CONFIGURATION_POLICIES).optional(),
  autoscalingConfiguration: autoscalingConfigurationSchema.nullish(),
});

const FIXED = [
  'gpu',
  'instanceType',
  'backend',
  'clusters',
  'availabilityZones',
  'preferredOrder',
  'maxRequestConcurrency',
];

export interface SpecificationChange {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Undefined: leave it. Null: back to the platform's own. */
  readonly configuration: ReceivedConfiguration | null | undefined;
}

/** The serving side: PATCH of one specification of a running deployment. Refuses what could never work, field by field. */
export function parseSpecificationChange(
  body: unknown,
  options: {
    current: { minInstances: number; maxInstances: number };
    lookBackSeconds: number;
    base: Policy | undefined;
  },
): Parsed<SpecificationChange> {
  const parsed = changeSchema.safeParse(body);
  const errors = parsed.success ? [] : fieldErrors(parsed.error.issues);
  const given = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  for (const name of FIXED.filter((each) => given.includes(each))) {
    errors.push({ pointer: `/${name}`, message: 'cannot be changed on a running deployment' });
  }
  if (!parsed.success || errors.length > 0) return invalidRequest(errors);
  const { autoscalingConfigurationPolicy: word, autoscalingConfiguration: told, ...bounds } = parsed.data;
  if (Object.values(parsed.data).every((value) => value === undefined)) {
    const message =
      'names nothing to change: give minInstances, maxInstances, autoscalingConfiguration or autoscalingConfigurationPolicy';
    return invalidRequest([{ pointer: '', message }]);
  }
  const minInstances = bounds.minInstances ?? options.current.minInstances;
  const max = bounds.maxInstances ?? options.current.maxInstances;
  if (minInstances > max) {
    const pointer = bounds.minInstances === undefined ? '/maxInstances' : '/minInstances';
    errors.push({ pointer, message: `the minimum ${minInstances} is above the maximum ${max}` });
  }
  if (word === 'CUSTOM_CONFIGURATION' && !told) {
    errors.push({ pointer: '/autoscalingConfiguration', message: 'must be given with CUSTOM_CONFIGURATION' });
  }
  if (told && word !== 'PLATFORM_CONFIGURATION') errors.push(...configurationErrors(told, options));
  if (errors.length > 0) return invalidRequest(errors);
  const configuration = word === 'PLATFORM_CONFIGURATION' || told === null ? null : told;
  return { ok: true, value: { minInstances, maxInstances: max, configuration } };
}

function configurationErrors(
  told: ReceivedConfiguration,
  options: { lookBackSeconds: number; base: Policy | undefined },
): FieldError[] {
  if (!told.scaleUpDetails && !told.scaleDownDetails) {
    return [{ pointer: '/autoscalingConfiguration', message: 'must have scaleUpDetails, scaleDownDetails or both' }];
  }
  const read = policyOfConfiguration(told, options);
  if (read.ok) return [];
  return read.problems.map(({ path, message, mend }) => ({ pointer: pointerOf(path), message: `${message}; ${mend}` }));
}

const WIRE_NAMES: Readonly<Record<string, string>> = {
  up: 'scaleUpDetails',
  down: 'scaleDownDetails',
  windowSeconds: 'size',
  requiredSeconds: 'threshold',
};

/** The field on the wire that a field of the policy came from. */
function pointerOf(path: string): string {
  return ['/autoscalingConfiguration', ...path.split('.').map((part) => WIRE_NAMES[part] ?? part)].join('/');
}
