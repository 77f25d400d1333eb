const PATH_BYTES_MAX = 512;
const SEGMENT_BYTES_MAX = 255;
/** C0, DEL, and the backslash, which one system takes for a separator and another for a letter. */
const HOSTILE = /[\u0000-\u001f\u007f\\]/;

/**
 * What is wrong with a path inside a bundle, as the end of a sentence; undefined when nothing is. Paths are relative, with
 * forward slashes, and stay below the folder that they are written to on any system.
 */
export function faultOfPath(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (!path.isWellFormed()) return 'is not text';
  if (HOSTILE.test(path)) return 'has a control character or a backslash in it';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute';
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `is longer than ${PATH_BYTES_MAX} bytes`;
  for (const segment of path.split('/')) {
    if (segment === '..') return 'leaves its folder';
    if (segment === '' || segment === '.') return 'has an empty part';
    if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) return `has a part longer than ${SEGMENT_BYTES_MAX} bytes`;
  }
  return undefined;
}

/** What is wrong with paths taken together: two of them must not want the same place, nor one a file where another wants a folder. */
export function faultOfPaths(paths: Iterable<string>): string | undefined {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths) {
    // Some file systems do not tell case and composition apart; what would overwrite itself there is refused everywhere.
    const key = path.normalize('NFC').toLowerCase();
    if (files.has(key)) return `has ${JSON.stringify(path)} twice`;
    files.add(key);
    for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) folders.add(key.slice(0, end));
  }
  const clash = [...files].find((file) => folders.has(file));
  return clash === undefined ? undefined : `has ${JSON.stringify(clash)} both as a file and as a folder`;
}
