export { type Alerts, type AlertsOptions, createAlerts } from './alerts/alerts.ts';
export { type AlertKind, alertKinds, isAlertKind } from './alerts/kinds.ts';
export { readWebhook, type Webhook, type WebhookSettings } from './alerts/settings.ts';
export { systemClock, systemRandom } from './clock.ts';
export { refuseUnknownEnvironment } from './environment.ts';
export { type Certificate, loadOrCreateCertificate } from './home/certificate.ts';
export { type Home, homePath, MAX_HOME_FILE, openHome } from './home/home.ts';
export { fileSigner, loadOrCreateKey } from './home/keys.ts';
export type { Lock } from './home/lock.ts';
export { refuseLoose } from './home/permissions.ts';
export { defineLimit, type Limit, limitTable, readLimit, readLimits, type Settings, type Within } from './limit.ts';
export { addressKey, isLoopback } from './listen/address.ts';
export { refuseNobody, refusePublicMetrics, refusePublicPlaintext, refuseRoot } from './listen/boot.ts';
export {
  type ListenerHit,
  type ListenerLimits,
  listenerHits,
  listenerLimits,
  readListenerLimits,
} from './listen/limits.ts';
export { type Networks, parseNetworks } from './listen/networks.ts';
export type { Application, Listener, OnUpgrade, ServedCertificate, ServeOptions } from './listen/options.ts';
export { problems } from './listen/problems.ts';
export { createRateLimiter, type RateLimiter, type RateLimiterOptions } from './listen/rate-limiter.ts';
export { refuseSocket } from './listen/refuse.ts';
export { serve } from './listen/serve.ts';
export type { LogFields } from './log/fields.ts';
export { createLog, type EventName, type Log, type LogOptions } from './log/log.ts';
export { type MetricsListener, type MetricsPlace, serveMetrics } from './metrics/listen.ts';
export type { Counters, Meter, Timings } from './metrics/meter.ts';
export { createMetrics, type GaugeSpec, type MetricDocument, type Metrics } from './metrics/metrics.ts';
export { exportMetrics, type OtlpOptions } from './metrics/otlp.ts';
export { countRequests } from './metrics/requests.ts';
export { type AcmeOptions, acmeCertificate } from './tls/acme/acme.ts';
export { certificateFiles, type FileOptions } from './tls/files.ts';
export { openCertificateFolder } from './tls/folder.ts';
export { type OpenCertificateOptions, openCertificate } from './tls/open.ts';
export { type SelfSignedOptions, selfSigned } from './tls/self-signed.ts';
export { readTlsSettings, type TlsSettings, tlsFlags, tlsVariables } from './tls/settings.ts';
export type { CertificateKind, CertificateSource, Every } from './tls/source.ts';
