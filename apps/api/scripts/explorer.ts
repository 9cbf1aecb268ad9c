import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createClient } from "graphql-sse";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const stream = createClient({ url: "/graphql/stream" });

/** Queries and mutations to /graphql with the visitor's session; subscriptions over SSE. */
const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  wsClient: {
    subscribe: (payload: never, sink: never) => stream.subscribe(payload, sink),
  } as never,
});

const defaultQuery = `# The schema is under the book on the left.
{
  overview { sentence }
  servers(first: 10) { nodes { name protection { state reasons } lastBackup { id startedAt } } }
}
`;

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(createElement(GraphiQL, { fetcher, defaultQuery }));
