import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The measure of what Node can do here: takes a body and sends the bytes that it was started with. */
const answer = Buffer.from(process.argv[2] ?? '');
const server = createServer((request, response) => {
  request.on('data', () => {});
  request.on('end', () => {
    response.writeHead(200, ['content-type', 'application/json', 'content-length', String(answer.byteLength)]);
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
process.once('disconnect', () => process.exit(0));
