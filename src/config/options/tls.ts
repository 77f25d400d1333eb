import { boolean, optional } from '../option.ts';

/** How the other side of a connection is verified, and what we show it. */
export const tls = {
  caFile: optional.path('PEM of the authorities to trust; unset: those of Node.', { reload: 'live' }),
  certFile: optional.path('PEM of the client certificate (mtls).', { reload: 'live' }),
  keyFile: optional.path('PEM of its private key.', { reload: 'live' }),
  serverName: optional.text('Name to look for in the certificate when it is not the host.'),
  insecure: boolean('false', 'Do not verify the certificate.'),
};
