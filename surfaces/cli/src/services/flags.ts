/** Flags of services, with their sentences: for help, for the environment, for the documentation. */
export type FlagSpec = readonly [flags: string, text: string];

/** Of every service. */
export const serviceOptions: readonly FlagSpec[] = [
  ['--host <address>', 'where to listen (default: as the deployment says)'],
  ['--port <n>', 'port to listen on (default: as the deployment says)'],
  ['--deployment <file>', 'what runs where (default: deployment.json in the home)'],
  ['--show-key', 'make the key where there is none, print it, and end'],
  ['--allow-root', 'run as root, where there is no other user'],
  ['--allow-unsafe-public-bind', 'plaintext beyond this machine, for development'],
  ['--trust-proxy <networks>', 'proxies whose X-Forwarded-For counts: 10.0.0.0/8,::1'],
  ['--proxy-protocol', 'every connection begins with a PROXY v2 header of such a proxy'],
  ['--tls-key <file>', 'PEM key of a certificate that something else renews, mode 0600'],
  ['--tls-cert <file>', 'its PEM certificate chain; both are taken anew when they change'],
  ['--acme-names <names>', 'host names to get a certificate for by ACME, separated by commas'],
  ['--acme-agree-terms <yes>', 'that you agree to the terms of service of the authority'],
  ['--acme-email <address>', 'where the authority may write to'],
  ['--acme-directory <url>', 'the authority (default: https://acme-v02.api.letsencrypt.org/directory)'],
  ['--acme-port <n>', 'port on which its challenges are answered (80)'],
  ['--metrics-port <n>', 'serve numbers to Prometheus, on this machine only'],
  ['--metrics-host <address>', 'loopback address for them (127.0.0.1)'],
  ['--otlp-endpoint <url>', 'send the numbers to an OpenTelemetry collector'],
  ['--alert-webhook <url>', 'tell the operator by a signed POST'],
  ['--alert-webhook-secret-file <file>', 'what signs it: 32 characters or more, mode 0600'],
  ['--alert-webhook-allow-loopback', 'the receiver may be on this machine'],
  ['--drain-seconds <n>', 'after SIGTERM: seconds of service while /readyz says 503 (0)'],
  ['--stop-seconds <n>', 'seconds after SIGTERM until something ends it by force; a longer drain is refused'],
  ['--max-connections <n>', 'open connections, WebSockets apart (10000)'],
  ['--max-connections-per-address <n>', 'open connections of one address (1000)'],
  ['--max-requests-per-minute <n>', 'requests a minute of one address (6000)'],
  ['--request-burst <n>', 'requests of one address at once (1000)'],
  ['--max-body-bytes <n>', 'bytes of one request body (2097152)'],
  ['--max-body-bytes-together <n>', 'bytes of all bodies under way (268435456)'],
  ['--header-seconds <n>', 'seconds for the headers of a request (10)'],
  ['--request-seconds <n>', 'seconds for a whole request (60)'],
  ['--response-seconds <n>', 'seconds for a piece of an answer to be read (60)'],
];

/** Of the relay alone. */
export const relayOptions: readonly FlagSpec[] = [
  ['--admission <mode>', 'open, ticket or allowlist (beyond this machine: ticket)'],
  ['--allow-owners <file>', 'owner ids for allowlist, one a line'],
];

/** Of the relay alone, several times. */
export const relayLists: readonly FlagSpec[] = [
  ['--allow-owner <id>', 'an owner id for allowlist (as a variable: several, separated by commas)'],
  ['--limit <name=value>', 'a limit, such as mailPerMinute=600; see: caponier relay limits'],
];

/** Names of all flags that may come as a variable, too. */
export const serviceFlags: readonly string[] = [...serviceOptions, ...relayOptions, ...relayLists]
  .map(([flags]) => flags.split(' ')[0]!)
  // What is shown once is typed, and limits have a variable each.
  .filter((flag) => !['--show-key', '--limit'].includes(flag));
