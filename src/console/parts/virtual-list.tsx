import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { scrollToRow, visibleRange } from '../view/visible-rows.ts';

export interface VirtualListProps<T> {
  readonly items: readonly T[];
  readonly rowHeight: number;
  readonly label: string;
  readonly columns: number;
  readonly keyOf: (item: T) => string;
  readonly header: ComponentChildren;
  readonly row: (item: T) => ComponentChildren;
  readonly rowClass?: (item: T) => string;
  readonly onOpen: (item: T) => void;
}

/** A grid of any length of which only the rows in sight are in the document. Arrow keys move, Enter opens. */
export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, rowHeight, keyOf } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ scrollTop: 0, height: 600 });
  const [activeKey, setActiveKey] = useState<string>();
  const active = activeKey === undefined ? -1 : items.findIndex((item) => keyOf(item) === activeKey);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    // Arrow keys are to work at once, unless somebody is at something else.
    const { activeElement } = document;
    if (activeElement === document.body || activeElement?.tagName === 'MAIN') element.focus({ preventScroll: true });
    const measure = () => setView({ scrollTop: element.scrollTop, height: element.clientHeight });
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  function moveTo(index: number) {
    const item = items[Math.max(0, Math.min(items.length - 1, index))];
    const element = scroller.current;
    if (!item || !element) return;
    setActiveKey(keyOf(item));
    const headerHeight = element.querySelector<HTMLElement>('.list-head')?.offsetHeight ?? 0;
    element.scrollTop = scrollToRow(items.indexOf(item), {
      rowHeight,
      scrollTop: element.scrollTop,
      height: element.clientHeight - headerHeight,
    });
  }

  function press(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      j: active + 1,
      ArrowUp: active - 1,
      k: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: items.length - 1,
    };
    const next = steps[event.key];
    const item = items[active];
    if (next !== undefined) moveTo(next);
    else if (event.key === 'Enter' && item && event.target === scroller.current) props.onOpen(item);
    else return;
    event.preventDefault();
  }

  const { first, end } = visibleRange({ count: items.length, rowHeight, ...view });
  return (
    <div
      class="panel list"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={items.length + 1}
      aria-colcount={props.columns}
      aria-activedescendant={active >= first && active < end ? `row-${active}` : undefined}
      onKeyDown={press}
    >
      {props.header}
      <div class="list-space" style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(first, end).map((item, offset) => {
          const index = first + offset;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid around it has the keys
            <div
              key={keyOf(item)}
              id={`row-${index}`}
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 2}
              aria-selected={index === active}
              class={`list-row ${props.rowClass?.(item) ?? ''}`}
              style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
              onClick={(event) => {
                if (!(event.target as HTMLElement).closest('a')) props.onOpen(item);
              }}
            >
              {props.row(item)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** `/` from anywhere leads to the search. */
export function useSlash(focus: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isTyping = /^(?:INPUT|TEXTAREA|SELECT)$/.test((event.target as HTMLElement).tagName);
      if (event.key !== '/' || isTyping || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      focus();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
