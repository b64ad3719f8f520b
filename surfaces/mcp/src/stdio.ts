import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { linkToSupervisor, runSocketVariable } from './link.ts';
import { createMcpServer } from './server.ts';

/** Serves MCP on standard input and output until the agent closes them. Throws `mcp.no_supervisor`. */
export async function serveStdio(env: NodeJS.ProcessEnv, version: string): Promise<void> {
  const link = await linkToSupervisor(env[runSocketVariable]);
  const server = createMcpServer(link, version);
  const closed = new Promise<void>((resolve) => {
    process.stdin.once('close', resolve);
    process.stdin.once('end', resolve);
  });
  await server.connect(new StdioServerTransport());
  await closed;
  await server.close();
  link.close();
}
