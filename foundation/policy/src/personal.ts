/**
 * The policy a new owner starts with, called `personal`: secrets ask, money asks, and what else a grant names is allowed.
 * What no grant names never gets here: the gate refuses it before it looks at the policy.
 */
export const personalPolicy = `// personal: what your agents may do.
// An agent needs a grant for everything; this says which of it needs your yes each time.

@id("secrets-ask")
@decision("ask")
@note("Using or seeing a secret waits for one tap.")
permit (principal, action, resource)
when { action in Action::"secret" || ["secret", "vault"].contains(resource.class) };

@id("money-asks")
@decision("ask")
@note("So does everything that may cost money.")
permit (principal, action, resource)
when { context has amount };

@id("granted")
@note("The rest that a grant of yours names goes ahead.")
permit (principal, action, resource)
unless { action in Action::"secret" || ["secret", "vault"].contains(resource.class) || context has amount };
`;
