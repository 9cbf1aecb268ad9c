import { graphql } from "#graphql/graphql.ts";

export const ProofFields = graphql(`
  fragment ProofFields on Proof {
    at
    ok
    outcome
    rtoMs
    phases {
      name
      durationMs
    }
    checks {
      name
      ok
      detail
    }
    run {
      id
    }
  }
`);

export const VerificationFields = graphql(`
  fragment VerificationFields on Verification {
    at
    ok
    checkedBytes
    checkedFiles
    problems
    tier
    part
    parts
    healing
  }
`);
