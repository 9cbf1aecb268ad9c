/** Where the API's printed documents are. */
export const schemaFile: URL = new URL("../schema.graphql", import.meta.url);
export const openApiFile: URL = new URL("../openapi.json", import.meta.url);
