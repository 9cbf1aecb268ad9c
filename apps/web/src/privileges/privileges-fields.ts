import { graphql } from "#graphql/graphql.ts";

export const PrivilegesFields = graphql(`
  fragment PrivilegesFields on Privileges {
    role
    isSuperuser
    acts {
      act
      title
      state
      why
      remedySql
    }
    excess {
      what
      why
      remedySql
    }
    scripts {
      purpose
      title
      satisfied
      sql
    }
  }
`);
