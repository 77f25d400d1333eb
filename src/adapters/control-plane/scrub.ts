const LENGTH_MAX = 200;

/** Text of others, fit for logs and people: no control characters, nothing that looks like a credential, and short. */
export function scrub(text: string, lengthMax = LENGTH_MAX): string {
  const clean = text
    .slice(0, lengthMax * 8)
    .replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .replaceAll(/(bearer|basic)\s+(?=[\w~+/]*[\d.=+/_~-]|\S{16})[\w.~+/=-]+/gi, '$1 [redacted]')
    .replaceAll(/eyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g, '[redacted]')
    .replaceAll(
      /((?:access_token|client_secret|password|refresh_token|secret)["']?\s*[=:]\s*["']?)[^"'\s&,}]+/gi,
      '$1[redacted]',
    )
    .trim();
  const characters = [...clean];
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax - 1).join('')}…` : clean;
}
