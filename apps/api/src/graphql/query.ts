import { builder } from "./builder.ts";
import {
  ApiTokenConnection,
  AuditEventConnection,
  BackupConnection,
  FindingConnection,
  PolicyConnection,
  pageArguments,
  RepositoryConnection,
  RunConnection,
  rootPageCost,
  ScheduleConnection,
  ServerConnection,
} from "./connections.ts";
import { BackupStateEnum, RunKindEnum, RunStateEnum } from "./enums.ts";
import { BackupRef, CloneRef, NodeRef, PolicyRef, RepositoryRef, RunRef, ServerRef } from "./refs.ts";
import { loadNode } from "./types/node.ts";

const nullWhenUnknown = "Null when there is none.";

/** Lists and single rows; what is computed is in query-computed.ts. */
builder.queryType({
  description: "Everything that can be asked. All but `viewer` needs a login or a token.",
  fields: (t) => ({
    node: t.field({
      type: NodeRef,
      nullable: true,
      description: `Anything by its id. ${nullWhenUnknown}`,
      args: { id: t.arg.id({ required: true, description: "Any id of ours." }) },
      resolve: (_root, { id }, context) => loadNode(context, id),
    }),
    server: t.field({
      type: ServerRef,
      nullable: true,
      description: `A registered server by its id or its name. ${nullWhenUnknown}`,
      args: {
        id: t.arg.id({ description: "Its id." }),
        name: t.arg.string({ description: "Its name, when no id is given." }),
      },
      resolve: async (_root, { id, name }, { loaders, services }) => {
        const server =
          id != null
            ? await loaders.server.load(id)
            : name != null
              ? await services.metadata.servers.findByName(name)
              : null;
        return server === null || server.removedAt !== null ? null : server;
      },
    }),
    servers: t.field({
      type: ServerConnection,
      description: "Registered servers, by name.",
      args: pageArguments,
      complexity: rootPageCost,
      resolve: (_root, page, { services }) => services.metadata.servers.list({}, page),
    }),
    repository: t.field({
      type: RepositoryRef,
      nullable: true,
      description: nullWhenUnknown,
      args: { id: t.arg.id({ required: true, description: "Its id." }) },
      resolve: (_root, { id }, { loaders }) => loaders.repository.load(id),
    }),
    repositories: t.field({
      type: RepositoryConnection,
      description: "Oldest first.",
      args: pageArguments,
      complexity: rootPageCost,
      resolve: (_root, page, { services }) => services.metadata.repositories.list(page),
    }),
    policies: t.field({
      type: PolicyConnection,
      description: "By name.",
      args: pageArguments,
      complexity: rootPageCost,
      resolve: (_root, page, { services }) => services.metadata.policies.list(page),
    }),
    policy: t.field({
      type: PolicyRef,
      nullable: true,
      description: nullWhenUnknown,
      args: { id: t.arg.id({ required: true, description: "Its id." }) },
      resolve: (_root, { id }, { loaders }) => loaders.policy.load(id),
    }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: `${nullWhenUnknown} Deleted ones are found too.`,
      args: { id: t.arg.id({ required: true, description: "Its id." }) },
      resolve: (_root, { id }, { loaders }) => loaders.backup.load(id),
    }),
    backups: t.field({
      type: BackupConnection,
      description: "Newest first; without states all but deleted ones.",
      args: {
        serverId: t.arg.id({ description: "Only of this server." }),
        states: t.arg({ type: [BackupStateEnum], description: "Only these." }),
        ...pageArguments,
      },
      complexity: rootPageCost,
      resolve: (_root, { serverId, states, ...page }, { services }) =>
        services.metadata.backups.list({ serverId: serverId ?? undefined, states: states ?? undefined }, page),
    }),
    clone: t.field({
      type: CloneRef,
      nullable: true,
      description: nullWhenUnknown,
      args: { id: t.arg.id({ required: true, description: "Its id." }) },
      resolve: (_root, { id }, { services }) => services.metadata.clones.get(id),
    }),
    clones: t.field({
      type: [CloneRef],
      description: "Of all servers, newest first; at most 100.",
      args: { living: t.arg.boolean({ defaultValue: true, description: "Only those that have not ended." }) },
      complexity: { field: 20, multiplier: 5 },
      resolve: async (_root, { living }, { services }) => [
        ...(await services.metadata.clones.list(living === false ? {} : { living: true })).slice(0, 100),
      ],
    }),
    run: t.field({
      type: RunRef,
      nullable: true,
      description: nullWhenUnknown,
      args: { id: t.arg.id({ required: true, description: "Its id." }) },
      resolve: (_root, { id }, { loaders }) => loaders.run.load(id),
    }),
    runs: t.field({
      type: RunConnection,
      description: "Newest first.",
      args: {
        serverId: t.arg.id({ description: "Only of this server." }),
        kinds: t.arg({ type: [RunKindEnum], description: "Only these." }),
        states: t.arg({ type: [RunStateEnum], description: "Only these." }),
        ...pageArguments,
      },
      complexity: rootPageCost,
      resolve: (_root, { serverId, kinds, states, ...page }, { services }) =>
        services.metadata.runs.list(
          { serverId: serverId ?? undefined, kinds: kinds ?? undefined, states: states ?? undefined },
          page,
        ),
    }),
    schedules: t.field({
      type: ScheduleConnection,
      description: "Of all servers, or of one.",
      args: { serverId: t.arg.id({ description: "Only of this server." }), ...pageArguments },
      complexity: rootPageCost,
      resolve: (_root, { serverId, ...page }, { services }) =>
        services.metadata.schedules.list({ serverId: serverId ?? undefined }, page),
    }),
    findings: t.field({
      type: FindingConnection,
      description: "What checks found, newest first.",
      args: {
        serverId: t.arg.id({ description: "Only of this server." }),
        open: t.arg.boolean({
          defaultValue: true,
          description: "Only what is still so; false: only what was resolved; null: both.",
        }),
        ...pageArguments,
      },
      complexity: rootPageCost,
      resolve: (_root, { serverId, open, ...page }, { services }) =>
        services.metadata.findings.list({ serverId: serverId ?? undefined, open: open ?? undefined }, page),
    }),
    apiTokens: t.field({
      type: ApiTokenConnection,
      description: "Newest first; expired and revoked ones too.",
      args: pageArguments,
      complexity: rootPageCost,
      resolve: (_root, page, { services }) => services.metadata.tokens.list(page),
    }),
    auditEvents: t.field({
      type: AuditEventConnection,
      description: "Newest first.",
      args: pageArguments,
      complexity: rootPageCost,
      resolve: (_root, page, { services }) => services.metadata.audit.list(page),
    }),
  }),
});
