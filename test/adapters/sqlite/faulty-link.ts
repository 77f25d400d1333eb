import { type Link, type OpenLink, openWorkerLink } from '../../../src/adapters/sqlite/link.ts';

/** The real worker on a wire that a test can cut, and that can lose one answer the way a crashed worker does: after the commit. */
export class FaultyWire {
  #losesNextWrite = false;
  #staysDown = false;
  #isDown = false;
  readonly #links = new Set<Link>();

  readonly openLink: OpenLink = (options, events) => {
    if (this.#isDown) {
      queueMicrotask(() => events.onEnd('the wire is cut'));
      return { send() {}, async end() {} };
    }
    let lostId: number | undefined;
    const link = openWorkerLink(options, {
      onAnswer: (answer) => {
        if (answer.kind !== 'answer' || answer.id !== lostId) {
          events.onAnswer(answer);
          return;
        }
        if (this.#staysDown) this.#isDown = true;
        void link.end();
      },
      onEnd: events.onEnd,
    });
    this.#links.add(link);
    return {
      send: (request) => {
        if (request.kind === 'write' && this.#losesNextWrite) {
          this.#losesNextWrite = false;
          lostId = request.id;
        }
        link.send(request);
      },
      end: () => link.end(),
    };
  };

  loseNextAnswer(options: { thenUnavailable: boolean }): void {
    this.#losesNextWrite = true;
    this.#staysDown = options.thenUnavailable;
  }

  heal(): void {
    this.#losesNextWrite = false;
    this.#staysDown = false;
    this.#isDown = false;
  }
}
