import { graphql, type ResultOf } from "#graphql/graphql.ts";

export const SecondRepositoryFields = graphql(`
  fragment SecondRepositoryFields on Server {
    id
    name
    repository {
      id
    }
    copyTo {
      id
      name
    }
    copyMaxRateKib
    copyLag {
      missing
      late
      sentence
    }
  }
`);

export type CopiedServer = ResultOf<typeof SecondRepositoryFields>;
