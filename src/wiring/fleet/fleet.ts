import { z } from 'zod';
import { AdminClient } from './admin-client.ts';

/** The fleet as its admin API shows it. */

const time = z.string().nullable();
const count = z.number().nullable();
const measured = z.union([z.number(), z.literal('+Inf')]).nullable();

const functionSchema = z.object({
  versionId: z.string(),
  /** Servers older than names tell none. */
  name: z.string().nullable().default(null),
  functionId: z.string(),
  account: z.string(),
  owner: z.string().nullable(),
  isMine: z.boolean(),
  seenAt: time,
  applied: count,
  phase: z.string().nullable(),
  outcome: z.string().nullable(),
  changedAt: time,
  min: count,
  max: count,
  utilisation: measured,
  demand: measured,
  latest: z
    .object({
      at: time,
      verdict: z.string(),
      wanted: count,
      actual: count,
      policy: z.string(),
      reasons: z.array(z.string()),
    })
    .nullable(),
});
export type FleetFunction = z.infer<typeof functionSchema>;

const pageSchema = z.object({ items: z.array(functionSchema), next: z.string().nullable() });

const memberSchema = z.object({
  memberId: z.string(),
  address: z.string(),
  isAlive: z.boolean(),
  bucketsOwned: z.number(),
});
const membersSchema = z.object({ items: z.array(memberSchema) });
export type FleetMember = z.infer<typeof memberSchema>;

export const controlSchema = z.object({
  kind: z.enum(['pause', 'override', 'freeze-release']),
  versionId: z.string().optional(),
  wanted: z.number().optional(),
  until: time,
  by: z.string(),
  why: z.string(),
  dryRun: z.boolean().optional(),
});
export type FleetControl = z.infer<typeof controlSchema>;
const controlsSchema = z.object({ items: z.array(controlSchema) });

const statusSchema = z.object({
  memberId: z.string(),
  version: z.string(),
  freeze: z.object({ isFrozen: z.boolean(), isReleased: z.boolean(), since: time, cause: z.string().nullable() }),
  dependencies: z.array(z.object({ name: z.string(), state: z.string(), detail: z.string() })),
});
export type FleetStatus = z.infer<typeof statusSchema>;

const PAGE = 1_000;
/** What is live is known to the owner alone. Beyond this many versions the others are not asked besides. */
const ASK_OTHERS_UP_TO = 2_000;

export const readStatus = (client: AdminClient): Promise<FleetStatus> => client.get('/v1/status', statusSchema);

export async function readControls(client: AdminClient): Promise<FleetControl[]> {
  return (await client.get('/v1/controls', controlsSchema)).items;
}

export async function readMembers(client: AdminClient): Promise<FleetMember[]> {
  return (await client.get('/v1/members', membersSchema)).items;
}

/** All active function versions; live facts from the owner of each, where that member has an address. */
export async function readFunctions(client: AdminClient, members: readonly FleetMember[]): Promise<FleetFunction[]> {
  const functions = await readPages(client);
  const isComplete = functions.every(({ isMine, owner }) => isMine || owner === null);
  // A token is for the server that the user named, and for no server that this one names.
  if (isComplete || client.hasToken || functions.length > ASK_OTHERS_UP_TO) return functions;
  const owners = new Set(functions.filter(({ isMine }) => !isMine).map(({ owner }) => owner));
  const others = members.filter(({ memberId, isAlive, address }) => {
    return isAlive && owners.has(memberId) && /^https?:\/\//.test(address) && URL.canParse(address);
  });
  const asked = others.map(({ address }) => {
    return readPages(new AdminClient({ url: address, token: undefined })).catch(() => []);
  });
  const live = new Map<string, FleetFunction>();
  for (const each of (await Promise.all(asked)).flat()) if (each.isMine) live.set(each.versionId, each);
  return functions.map((each) => (each.isMine ? each : (live.get(each.versionId) ?? each)));
}

async function readPages(client: AdminClient): Promise<FleetFunction[]> {
  const functions: FleetFunction[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: z.infer<typeof pageSchema> = await client.get(`/v1/functions?limit=${PAGE}${from}`, pageSchema);
    functions.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return functions;
}
