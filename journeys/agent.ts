/**
 * The agent of journey 2: a program that knows nothing of Caponier but the MCP server it is given. It uses a secret by
 * name and leaves a picture of its own memory, in which the journey looks for the token.
 */
import { writeHeapSnapshot } from 'node:v8';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { fromSource } from './stage.ts';

const [url, heapFile] = process.argv.slice(2) as [string, string];
const [command, ...args] = process.env.CAPONIER_BINARY ? [process.env.CAPONIER_BINARY] : fromSource;

const client = new Client({ name: 'journey-agent', version: '1.0.0' });
await client.connect(
  new StdioClientTransport({
    command: command!,
    args: [...args, 'mcp'],
    env: { ...process.env } as Record<string, string>,
  }),
);
const result = await client.callTool({
  name: 'secret_use',
  arguments: {
    secret: 'github',
    purpose: 'open the issue we talked about',
    method: 'POST',
    url,
    headers: { authorization: 'Bearer {{secret}}' },
    body: '{"title":"flaky test"}',
  },
});
console.log(JSON.stringify(result.content));
await client.close();
writeHeapSnapshot(heapFile);
process.exit(result.isError ? 1 : 0);
