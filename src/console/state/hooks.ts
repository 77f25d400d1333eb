import { useEffect, useState } from 'preact/hooks';
import { Cell } from '../cell.ts';
import { PLAIN_QUERY } from '../view/fleet-rows.ts';
import { type Route, readRoute, writeRoute } from '../view/route.ts';

export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => {
    redraw((count) => count + 1);
    return cell.follow(() => redraw((count) => count + 1));
  }, [cell]);
  return cell.value;
}

const now = new Cell(Date.now());
setInterval(() => {
  if (!document.hidden) now.set(Date.now());
}, 1_000);

/** The time, once a second, for everything that says how long ago. */
export function useNow(): number {
  return useCell(now);
}

const route = new Cell<Route>(readRoute(location.hash));
/** The list as it was last looked at: going back leads there, search and order included. */
export const lastList = new Cell(writeRoute({ page: 'fleet', query: PLAIN_QUERY }));
route.follow(() => {
  if (route.value.page === 'fleet') lastList.set(writeRoute(route.value));
});
addEventListener('hashchange', () => route.set(readRoute(location.hash)));

export function useRoute(): Route {
  return useCell(route);
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const look = () => setMatches(media.matches);
    look();
    media.addEventListener('change', look);
    return () => media.removeEventListener('change', look);
  }, [query]);
  return matches;
}
