import { entryOf } from '@caponier/protocol';
import { McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { SupervisorLink } from './link.ts';

/** What the tools answer: text for the model, or an error it can act on. */
async function answer(work: Promise<unknown>) {
  try {
    return { content: [{ type: 'text' as const, text: JSON.stringify(await work) }] };
  } catch (error) {
    const { code, title, hint } = entryOf(error);
    return { isError: true, content: [{ type: 'text' as const, text: `${code}: ${title} ${hint}` }] };
  }
}

/** The MCP server of one agent: four tools over the supervisor's line. It holds no key and no secret. */
export function createMcpServer(link: SupervisorLink, version: string): McpServer {
  const server = new McpServer({ name: 'caponier', version });

  server.registerTool(
    'whoami',
    { description: 'Who this agent is, until when, and what it may ask for.', inputSchema: z.object({}) },
    () => answer(link.call('whoami', {})),
  );

  server.registerTool(
    'secret_use',
    {
      description:
        'Make one HTTP call with a secret of the owner, without ever seeing the secret. Write {{secret}} where it belongs, for example in the header authorization: "Bearer {{secret}}". A person may have to say yes, so this can take minutes.',
      inputSchema: z.object({
        secret: z.string().describe('The name of the secret'),
        purpose: z.string().describe('Why, in one line; the person who decides reads it'),
        method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
        url: z.string().describe('The address; its host must be one that the owner allowed for this secret'),
        headers: z.record(z.string(), z.string()).default({}),
        body: z.string().nullable().default(null),
      }),
    },
    (args) => answer(link.call('secret_use', args)),
  );

  server.registerTool(
    'memory_get',
    {
      description: 'Read one entry of the owner’s memory.',
      inputSchema: z.object({ key: z.string().describe('namespace/key') }),
    },
    (args) => answer(link.call('memory_get', args)),
  );

  server.registerTool(
    'send_message',
    {
      description: 'Send a private message to another device, agent or contact.',
      inputSchema: z.object({
        to: z.string().describe('A device, an agent like claude@box, or a contact'),
        text: z.string(),
      }),
    },
    (args) => answer(link.call('send_message', args)),
  );

  return server;
}
