export { type Broker, type BrokerOptions, createBroker } from './broker.ts';
export { type BrokerStore, openBrokerStore } from './sqlite.ts';
