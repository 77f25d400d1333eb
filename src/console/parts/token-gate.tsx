import { useState } from 'preact/hooks';
import type { Session } from '../state/session.ts';
import { Mark } from './icons.tsx';
import { Fault } from './notes.tsx';

/** Asked once per tab; sent in a header and never written into an address. */
export function TokenGate({ session, isWrong }: { session: Session; isWrong: boolean }) {
  const [token, setToken] = useState('');
  function give(event: Event) {
    event.preventDefault();
    if (token.trim() !== '') session.giveToken(token.trim());
  }
  return (
    <main class="gate">
      <form onSubmit={give}>
        <Mark />
        <h1>Starling</h1>
        <p>This member asks for the token of its admin API.</p>
        <label>
          <span>Token</span>
          <input
            type="password"
            autocomplete="off"
            required
            autofocus
            value={token}
            aria-invalid={isWrong}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <Fault text={isWrong ? 'That token is not the right one.' : undefined} />
        <button type="submit" class="button button-strong">
          Open the console
        </button>
        <small>Kept in this tab until it is closed. It is the value of http.adminToken.</small>
      </form>
    </main>
  );
}
