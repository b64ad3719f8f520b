import { defineErrors } from './define.ts';

/** Codes of the process and its listeners. */
export const hostErrors = defineErrors({
  'host.internal': {
    status: 500,
    exit: 1,
    title: 'Something went wrong inside.',
    hint: 'Look at the log of the service.',
  },
  'host.not_found': { status: 404, exit: 1, title: 'There is nothing here.', hint: 'Check the address.' },
  'host.bad_body': {
    status: 400,
    exit: 1,
    title: 'The body is not what was expected.',
    hint: 'Use a current Caponier client.',
  },
  'host.body_too_large': { status: 413, exit: 1, title: 'The body is too large.', hint: 'Send less in one piece.' },
  'host.headers_too_large': {
    status: 431,
    exit: 1,
    title: 'The headers are too large.',
    hint: 'Send fewer or shorter headers.',
  },
  'host.too_slow': {
    status: 408,
    exit: 3,
    title: 'The request came too slowly.',
    hint: 'Try again on a faster connection.',
  },
  'host.bad_proxy_header': {
    status: 400,
    exit: 1,
    title: 'The connection did not begin with a PROXY header, version 2.',
    hint: 'Let the proxy send PROXY protocol v2, and name its address with --trust-proxy.',
  },
  'host.too_many_connections': { status: 503, exit: 3, title: 'Too many connections.', hint: 'Try again shortly.' },
  'host.rate_limited': { status: 429, exit: 3, title: 'Too many requests.', hint: 'Wait a minute and try again.' },
  'host.unreachable': {
    status: 503,
    exit: 3,
    title: 'The service cannot be reached.',
    hint: 'Check the address and that it runs.',
  },
  'host.pin_mismatch': {
    status: 502,
    exit: 3,
    title: 'The certificate is not the pinned one.',
    hint: 'Somebody stands between, or the service was set up anew: get a new code.',
  },
  'host.pin_unsupported': {
    status: 400,
    exit: 3,
    title: 'A browser cannot check a pinned certificate.',
    hint: 'Open the page that the service itself serves on this machine, or give the service a TLS name.',
  },
  'host.insecure_address': {
    status: 400,
    exit: 3,
    title: 'Refusing to speak in plaintext beyond this machine.',
    hint: 'Use an https or wss address.',
  },
  'host.length_required': {
    status: 411,
    exit: 1,
    title: 'The length of the body must be said first.',
    hint: 'Send a content-length; bodies in chunks are not taken.',
  },
  'host.busy': { status: 503, exit: 3, title: 'The service is busy.', hint: 'Try again shortly.' },
  'host.public_plaintext': {
    status: 500,
    exit: 2,
    title: 'Refusing to listen in plaintext beyond this machine.',
    hint: 'Give a certificate, bind to 127.0.0.1, or use --allow-unsafe-public-bind for development.',
  },
  'host.public_metrics': {
    status: 500,
    exit: 2,
    title: 'Refusing to show metrics beyond this machine.',
    hint: 'Bind them to 127.0.0.1, and let what collects them run here or come through a tunnel.',
  },
  'host.bad_certificate': {
    status: 500,
    exit: 2,
    title: 'The certificate cannot be served with.',
    hint: 'Give a PEM certificate chain and its own PEM key, in force now.',
  },
  'host.root': {
    status: 500,
    exit: 2,
    title: 'Refusing to run as root.',
    hint: 'Run as a user of its own, or pass --allow-root.',
  },
  'host.loose_permissions': {
    status: 500,
    exit: 2,
    title: 'A key file or its folder is readable by others.',
    hint: 'chmod 700 the folder and 600 the file.',
  },
  'host.locked': {
    status: 500,
    exit: 1,
    title: 'Another process uses this home.',
    hint: 'Stop it, or set CAPONIER_HOME to another folder.',
  },
  'host.bad_config': {
    status: 500,
    exit: 2,
    title: 'A setting is not valid.',
    hint: 'See --help for its form and range.',
  },
});
