import type {
  AuthorizationAnswer,
  CheckParseAnswer,
  PolicySet,
  PolicySetTextToPartsAnswer,
  PolicyToJsonAnswer,
  StatefulAuthorizationCall,
  ValidationAnswer,
  ValidationCall,
} from '@cedar-policy/cedar-wasm/nodejs';

/** The part of Cedar's WebAssembly module that is used here; the same in its Node and browser builds. */
export interface Cedar {
  policySetTextToParts(text: string): PolicySetTextToPartsAnswer;
  policyToJson(policy: string): PolicyToJsonAnswer;
  validate(call: ValidationCall): ValidationAnswer;
  preparseSchema(name: string, schema: string): CheckParseAnswer;
  preparsePolicySet(id: string, policies: PolicySet): CheckParseAnswer;
  statefulIsAuthorized(call: StatefulAuthorizationCall): AuthorizationAnswer;
}

/** What `#cedar` gives: the instance in use, and a way to replace it after it trapped. */
export interface CedarHost {
  /** Resolves when `instance` may be called. */
  load(): Promise<void>;
  /** Throws when not loaded. */
  instance(): Cedar;
  /**
   * Replaces the instance by a fresh one; false where that is not possible.
   *
   * Threat: Rust's stack lives in WebAssembly memory and its pointer is not restored after a trap, so one policy that
   * nests too deep (131 parentheses) leaves an instance in which every later call traps: one owner's text would end
   * the decisions for all.
   */
  renew(): boolean;
}
