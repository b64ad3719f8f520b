export { linkToSupervisor, runSocketVariable, type SupervisorLink } from './link.ts';
export { createMcpServer } from './server.ts';
export { serveStdio } from './stdio.ts';
