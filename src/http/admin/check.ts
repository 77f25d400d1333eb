import type { z } from 'zod';
import { ProblemError } from '../problem.ts';

/** Parses what came from outside, or answers 400 with every field that is wrong. */
export function check<T>(schema: z.ZodType<T>, value: unknown, where: 'query' | 'body' | 'path'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProblemError({
    status: 400,
    code: 'input-invalid',
    title: 'Unusable input',
    detail: `${parsed.error.issues.length === 1 ? 'One field' : `${parsed.error.issues.length} fields`} of the ${where} cannot be used; see errors.`,
    errors: parsed.error.issues.map((issue) => ({
      pointer: `/${[where, ...issue.path].map(String).join('/')}`,
      message: issue.message,
    })),
  });
}
