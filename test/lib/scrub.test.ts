import { describe, expect, it } from 'vitest';
import { scrub, scrubLine } from '../../src/lib/scrub.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

describe('a secret in a text', () => {
  it.each([
    ['a bearer token', 'sent Bearer abcdefghijkl123 there', 'sent Bearer [redacted] there'],
    ['a short one with a digit', 'Bearer a1', 'Bearer [redacted]'],
    ['a short one with a dot', 'bearer a.b', 'bearer [redacted]'],
    ['one of letters alone', 'Bearer hunter', 'Bearer [redacted]'],
    ['one that begins like prose', 'Bearer auth-x7 token_1', 'Bearer [redacted] token_1'],
    ['basic credentials', 'Basic dXNlcjpwYXNz', 'Basic [redacted]'],
    ['with padding', 'basic bWU6cA==', 'basic [redacted]'],
    ['of SPNEGO', 'Negotiate YIIJ', 'Negotiate [redacted]'],
    ['glued to a word', 'xBearer abc123', 'xBearer [redacted]'],
    ['over two lines', 'Bearer\n  abc.def', 'Bearer [redacted]'],
    ['a user and password in a URL', 'at https://me:pa55@host/x', 'at https://[redacted]@host/x'],
    ['a password alone in a URL', 'redis://:pa55@host', 'redis://[redacted]@host'],
    ['a password', 'password=hunter2&x=1', 'password=[redacted]&x=1'],
    ['a password with a semicolon', 'passwd: a;b', 'passwd: [redacted]'],
    ['a password under a longer name', 'db_password=hunter2', 'db_password=[redacted]'],
    ['in JSON', '{"client_secret":"s3cret","a":1}', '{"client_secret":"[redacted]","a":1}'],
    ['in JSON that is quoted', '{\\"token\\":\\"s3cret\\"}', '{\\"token\\":\\"[redacted]\\"}'],
    ['with a single quote', "{'secret': 'x'}", "{'secret': '[redacted]'}"],
    [
      'tokens of OAuth',
      'access_token=a refresh_token=b id_token=c',
      'access_token=[redacted] refresh_token=[redacted] id_token=[redacted]',
    ],
    ['glued to a name', 'my_access_token=a', 'my_access_token=[redacted]'],
    ['a key', 'apikey=k1 api_key: k2', 'apikey=[redacted] api_key: [redacted]'],
    ['a JSON web token', `got ${JWT}.`, 'got [redacted].'],
    ['the head of one', 'eyJhbGciOi and', '[redacted] and'],
    ['one glued to a word', `x${JWT}`, 'x[redacted]'],
  ])('%s is masked', (_, text, shown) => {
    expect(scrub(text)).toBe(shown);
    expect(scrub(shown)).toBe(shown);
  });

  it.each([
    'the server asks for basic authentication',
    'needs a bearer token',
    'fencing_token=9007199254740993',
    'storedToken: 12',
    'no access token: the token endpoint did not answer',
    'basic is it',
    'https://host:8080/path',
    'see the secret file',
  ])('%j holds none', (text) => {
    expect(scrub(text)).toBe(text);
  });
});

describe('a line from outside', () => {
  it('is one line, without what a terminal obeys', () => {
    expect(scrubLine(' a\nb\u001b[31m\u202ec\u0085 \u2028d ')).toBe('a b c   d');
  });

  it('is masked before it is cut, and ends with an ellipsis where it was', () => {
    expect(scrubLine(`Bearer ${'a1'.repeat(200)} and more`)).toBe('Bearer [redacted] and more');
    expect(scrubLine('x'.repeat(200))).toBe('x'.repeat(200));
    expect(scrubLine('🐦'.repeat(300), 20)).toBe(`${'🐦'.repeat(19)}…`);
  });
});
