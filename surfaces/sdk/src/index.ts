export {
  type Call,
  type CallArgs,
  type CallName,
  type CallResults,
  encodeCall,
  encodeFailure,
  encodeResult,
  maxCallLine,
  parseCall,
  parseReply,
} from './agent/calls.ts';
