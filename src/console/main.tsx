import { render } from 'preact';
import { Shell } from './pages/shell.tsx';
import { Session } from './state/session.ts';

const session = new Session();
const place = document.getElementById('console');
if (place) {
  place.textContent = '';
  render(<Shell session={session} />, place);
}
session.start();
