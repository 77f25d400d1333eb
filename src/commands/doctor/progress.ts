/** One line that is written over, for people who wait; nothing where nobody looks. */
export function progressOn(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>): {
  show: (text: string) => void;
  clear: () => void;
} {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  const clear = () => stream.write('\r\u001b[2K');
  return {
    show: (text) => {
      clear();
      stream.write(text);
    },
    clear,
  };
}
