/**
 * The policy a new owner starts with, called `personal`: secrets ask, money asks, and what else a grant names is allowed.
 * What no grant names never gets here: the gate refuses it before it looks at the policy.
 */
export const personalPolicy = `// personal: what your agents and devices may do.
// Everything needs a grant of yours; this says which of it also needs your yes, each time.

@id("secrets-ask")
@decision("ask")
@note("Using or seeing a secret waits for one tap.")
permit (principal, action, resource)
when { action in Action::"secret" || resource.class == "secret" };

@id("own-hands")
@note("You, at one of your controllers, may store, list and delete secrets without asking yourself.")
permit (principal is Device, action in [Action::"secret.put", Action::"secret.list", Action::"secret.delete"], resource)
when { principal.role == "controller" && principal in resource.owner };

@id("money-asks")
@decision("ask")
@note("Whatever may cost money waits too.")
permit (principal, action, resource)
when { context has amount };

@id("granted")
@note("The rest of what your grants name goes ahead.")
permit (principal, action, resource)
unless { action in Action::"secret" || resource.class == "secret" || context has amount };
`;
