import { describe, expect, it } from 'vitest';
import { type Credential, sendWithCredential } from '../../../src/adapters/wire/credential.ts';

const { signal } = new AbortController();

/** Proofs in turn; `accepts` says which of them the other side takes. */
async function send(proofs: readonly (string | Error)[], accepts: string, renews: boolean | Error = true) {
  const left = [...proofs];
  const heard: string[] = [];
  const credential: Credential<string> = {
    current: async () => {
      const proof = left.shift() ?? new Error('there is none');
      if (proof instanceof Error) throw proof;
      return proof;
    },
    renew: async (refused) => {
      heard.push(`renew ${refused}`);
      if (renews instanceof Error) throw renews;
      return renews;
    },
    renewedInVain: (refused) => heard.push(`in vain ${refused}`),
    accepted: () => heard.push('accepted'),
  };
  const result = await sendWithCredential(credential, {
    signal,
    send: async (proof) => {
      heard.push(`send ${proof}`);
      return { status: proof === accepts ? 200 : 401 };
    },
    isRefused: ({ status }) => status === 401,
    onRefused: () => heard.push('refused'),
  });
  return { result, heard };
}

describe('a request with a credential', () => {
  it('is sent once while it is taken', async () => {
    expect(await send(['one'], 'one')).toEqual({ result: { status: 200 }, heard: ['send one', 'accepted'] });
  });

  it('is sent once more with another one when it is refused', async () => {
    const { result, heard } = await send(['one', 'two'], 'two');
    expect(result).toEqual({ status: 200 });
    expect(heard).toEqual(['send one', 'refused', 'renew one', 'send two', 'accepted']);
  });

  it('is sent no third time', async () => {
    const { result, heard } = await send(['one', 'two', 'three'], 'three');
    expect(result).toEqual({ status: 401 });
    expect(heard).toEqual(['send one', 'refused', 'renew one', 'send two', 'refused', 'in vain two']);
  });

  it.each([false, new Error('cannot be read')])('is sent once where there is no other: %s', async (renews) => {
    const { result, heard } = await send(['one', 'two'], 'two', renews);
    expect(result).toEqual({ status: 401 });
    expect(heard).toEqual(['send one', 'refused', 'renew one']);
  });

  it('is not sent without one, and says why', async () => {
    expect(await send([new Error('the file is empty')], 'one')).toMatchObject({
      result: { arrival: 'not-sent', cause: 'credential', detail: 'the file is empty' },
      heard: [],
    });
    expect((await send(['one', new Error('the issuer is down')], 'two')).result).toMatchObject({
      arrival: 'not-sent',
      detail: 'the issuer is down',
    });
  });
});
