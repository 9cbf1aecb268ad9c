/* eslint-disable */
/* prettier-ignore */

export type introspection_types = {
  Access: { name: "Access"; enumValues: "FULL" | "READ_ONLY" };
  AddRepositoryInput: {
    kind: "INPUT_OBJECT";
    name: "AddRepositoryInput";
    isOneOf: false;
    inputFields: [
      { name: "encrypted"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null }; defaultValue: null },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "keyText"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "url";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  AddRepositoryPayload: {
    kind: "OBJECT";
    name: "AddRepositoryPayload";
    fields: {
      repository: { name: "repository"; type: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  AddServerInput: {
    kind: "INPUT_OBJECT";
    name: "AddServerInput";
    isOneOf: false;
    inputFields: [
      { name: "backupCron"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "drillCron"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "dsn";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      { name: "firstBackup"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null }; defaultValue: null },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      { name: "policyId"; type: { kind: "SCALAR"; name: "ID"; ofType: null }; defaultValue: null },
      { name: "repositoryId"; type: { kind: "SCALAR"; name: "ID"; ofType: null }; defaultValue: null },
      { name: "retention"; type: { kind: "INPUT_OBJECT"; name: "RetentionInput"; ofType: null }; defaultValue: null },
      { name: "retentionCron"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "sameSystemAs"; type: { kind: "ENUM"; name: "SameSystemChoice"; ofType: null }; defaultValue: null },
      { name: "verifyCron"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "zone"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
    ];
  };
  AddServerPayload: {
    kind: "OBJECT";
    name: "AddServerPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      server: { name: "server"; type: { kind: "OBJECT"; name: "Server"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  AnnotateBackupInput: {
    kind: "INPUT_OBJECT";
    name: "AnnotateBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "note";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  AnnotateBackupPayload: {
    kind: "OBJECT";
    name: "AnnotateBackupPayload";
    fields: {
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  ApiToken: {
    kind: "OBJECT";
    name: "ApiToken";
    fields: {
      access: {
        name: "access";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "Access"; ofType: null } };
      };
      createdAt: {
        name: "createdAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      expiresAt: { name: "expiresAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      lastUsedAt: { name: "lastUsedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      prefix: {
        name: "prefix";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      revokedAt: { name: "revokedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
    };
  };
  ApiTokenConnection: {
    kind: "OBJECT";
    name: "ApiTokenConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ApiTokenEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ApiToken"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  ApiTokenEdge: {
    kind: "OBJECT";
    name: "ApiTokenEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ApiToken"; ofType: null } };
      };
    };
  };
  ApplyRetentionInput: {
    kind: "INPUT_OBJECT";
    name: "ApplyRetentionInput";
    isOneOf: false;
    inputFields: [
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "planHash";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "serverId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  ApplyRetentionPayload: {
    kind: "OBJECT";
    name: "ApplyRetentionPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  AuditEvent: {
    kind: "OBJECT";
    name: "AuditEvent";
    fields: {
      action: {
        name: "action";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      actor: {
        name: "actor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      at: {
        name: "at";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      detail: { name: "detail"; type: { kind: "SCALAR"; name: "JSON"; ofType: null } };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      outcome: {
        name: "outcome";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      targetId: { name: "targetId"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      targetKind: { name: "targetKind"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
    };
  };
  AuditEventConnection: {
    kind: "OBJECT";
    name: "AuditEventConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AuditEventEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AuditEvent"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  AuditEventEdge: {
    kind: "OBJECT";
    name: "AuditEventEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AuditEvent"; ofType: null } };
      };
    };
  };
  Backup: {
    kind: "OBJECT";
    name: "Backup";
    fields: {
      checksumsEnabled: { name: "checksumsEnabled"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      damageDetail: { name: "damageDetail"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      damaged: {
        name: "damaged";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      deletedAt: { name: "deletedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      deletedReason: { name: "deletedReason"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      durationMs: { name: "durationMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      error: { name: "error"; type: { kind: "OBJECT"; name: "RunError"; ofType: null } };
      fileCount: { name: "fileCount"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
      files: { name: "files"; type: { kind: "OBJECT"; name: "BackupFiles"; ofType: null } };
      finishedAt: { name: "finishedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      fromStandby: { name: "fromStandby"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      hold: { name: "hold"; type: { kind: "OBJECT"; name: "Hold"; ofType: null } };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      label: { name: "label"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      note: { name: "note"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      notes: {
        name: "notes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
      proof: { name: "proof"; type: { kind: "OBJECT"; name: "Proof"; ofType: null } };
      provenAt: { name: "provenAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      readBytes: { name: "readBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      referencedBytes: { name: "referencedBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      repository: {
        name: "repository";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      };
      retentionReasons: {
        name: "retentionReasons";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      server: {
        name: "server";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Server"; ofType: null } };
      };
      serverVersion: { name: "serverVersion"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      sizeBytes: { name: "sizeBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      startLsn: { name: "startLsn"; type: { kind: "SCALAR"; name: "Lsn"; ofType: null } };
      startedAt: {
        name: "startedAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "BackupState"; ofType: null } };
      };
      stopLsn: { name: "stopLsn"; type: { kind: "SCALAR"; name: "Lsn"; ofType: null } };
      storedBytes: { name: "storedBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      suspectPages: {
        name: "suspectPages";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "SuspectPages"; ofType: null } };
          };
        };
      };
      systemIdentifier: { name: "systemIdentifier"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      tablespaces: {
        name: "tablespaces";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Tablespace"; ofType: null } };
          };
        };
      };
      timeline: { name: "timeline"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
      verification: { name: "verification"; type: { kind: "OBJECT"; name: "Verification"; ofType: null } };
      verifiedAt: { name: "verifiedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      walEnd: { name: "walEnd"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      walStart: { name: "walStart"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
    };
  };
  BackupConnection: {
    kind: "OBJECT";
    name: "BackupConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "BackupEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Backup"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  BackupEdge: {
    kind: "OBJECT";
    name: "BackupEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      };
    };
  };
  BackupFiles: {
    kind: "OBJECT";
    name: "BackupFiles";
    fields: {
      classes: {
        name: "classes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "FileClass"; ofType: null } };
          };
        };
      };
      largest: {
        name: "largest";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "LargeFile"; ofType: null } };
          };
        };
      };
    };
  };
  BackupState: {
    name: "BackupState";
    enumValues: "DELETED" | "DELETING" | "FAILED" | "INTERRUPTED" | "RESTORABLE" | "RUNNING" | "STORED";
  };
  BigInt: unknown;
  Boolean: unknown;
  CancelRunInput: {
    kind: "INPUT_OBJECT";
    name: "CancelRunInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  CancelRunPayload: {
    kind: "OBJECT";
    name: "CancelRunPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  CheckpointMode: { name: "CheckpointMode"; enumValues: "FAST" | "SPREAD" };
  ConfirmRecoveryKitInput: {
    kind: "INPUT_OBJECT";
    name: "ConfirmRecoveryKitInput";
    isOneOf: false;
    inputFields: [
      {
        name: "repositoryId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  ConfirmRecoveryKitPayload: {
    kind: "OBJECT";
    name: "ConfirmRecoveryKitPayload";
    fields: {
      repository: { name: "repository"; type: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  ConnectionFacts: {
    kind: "OBJECT";
    name: "ConnectionFacts";
    fields: {
      checksums: { name: "checksums"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      inRecovery: {
        name: "inRecovery";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      majorVersion: {
        name: "majorVersion";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      serverVersion: {
        name: "serverVersion";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sizeBytes: { name: "sizeBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      systemIdentifier: {
        name: "systemIdentifier";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      walLevel: {
        name: "walLevel";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  ConnectionReport: {
    kind: "OBJECT";
    name: "ConnectionReport";
    fields: {
      duplicateOf: { name: "duplicateOf"; type: { kind: "OBJECT"; name: "DuplicateServer"; ofType: null } };
      facts: { name: "facts"; type: { kind: "OBJECT"; name: "ConnectionFacts"; ofType: null } };
      ok: {
        name: "ok";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      steps: {
        name: "steps";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ConnectionStep"; ofType: null } };
          };
        };
      };
    };
  };
  ConnectionStep: {
    kind: "OBJECT";
    name: "ConnectionStep";
    fields: {
      detail: { name: "detail"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      durationMs: { name: "durationMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      error: { name: "error"; type: { kind: "OBJECT"; name: "RunError"; ofType: null } };
      remedy: { name: "remedy"; type: { kind: "OBJECT"; name: "Remedy"; ofType: null } };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "StepState"; ofType: null } };
      };
      step: {
        name: "step";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      title: {
        name: "title";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  CreateApiTokenInput: {
    kind: "INPUT_OBJECT";
    name: "CreateApiTokenInput";
    isOneOf: false;
    inputFields: [
      {
        name: "access";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "Access"; ofType: null } };
        defaultValue: null;
      },
      { name: "expiresInDays"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  CreateApiTokenPayload: {
    kind: "OBJECT";
    name: "CreateApiTokenPayload";
    fields: {
      secret: { name: "secret"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      token: { name: "token"; type: { kind: "OBJECT"; name: "ApiToken"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  CreatePolicyInput: {
    kind: "INPUT_OBJECT";
    name: "CreatePolicyInput";
    isOneOf: false;
    inputFields: [
      { name: "keepLast"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      { name: "minimum"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      { name: "windowDays"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
    ];
  };
  CreatePolicyPayload: {
    kind: "OBJECT";
    name: "CreatePolicyPayload";
    fields: {
      policy: { name: "policy"; type: { kind: "OBJECT"; name: "Policy"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  DateTime: unknown;
  DeleteBackupInput: {
    kind: "INPUT_OBJECT";
    name: "DeleteBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "planHash"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
    ];
  };
  DeleteBackupPayload: {
    kind: "OBJECT";
    name: "DeleteBackupPayload";
    fields: {
      plan: { name: "plan"; type: { kind: "OBJECT"; name: "DeletePlan"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  DeletePlan: {
    kind: "OBJECT";
    name: "DeletePlan";
    fields: {
      allowed: {
        name: "allowed";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      backup: {
        name: "backup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      };
      consequences: {
        name: "consequences";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
      freedBytesAtLeast: { name: "freedBytesAtLeast"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      planHash: {
        name: "planHash";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  DrillBackupInput: {
    kind: "INPUT_OBJECT";
    name: "DrillBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
    ];
  };
  DrillBackupPayload: {
    kind: "OBJECT";
    name: "DrillBackupPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  DuplicateServer: {
    kind: "OBJECT";
    name: "DuplicateServer";
    fields: {
      asMember: {
        name: "asMember";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      server: {
        name: "server";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Server"; ofType: null } };
      };
    };
  };
  EventLevel: { name: "EventLevel"; enumValues: "DEBUG" | "ERROR" | "INFO" | "WARN" };
  FileClass: {
    kind: "OBJECT";
    name: "FileClass";
    fields: {
      bytes: {
        name: "bytes";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      };
      count: {
        name: "count";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      label: {
        name: "label";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  Finding: {
    kind: "OBJECT";
    name: "Finding";
    fields: {
      actionLabel: { name: "actionLabel"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      actionPath: { name: "actionPath"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      checkId: {
        name: "checkId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      firstSeenAt: {
        name: "firstSeenAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      found: {
        name: "found";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      lastSeenAt: {
        name: "lastSeenAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      remedy: { name: "remedy"; type: { kind: "OBJECT"; name: "Remedy"; ofType: null } };
      repository: { name: "repository"; type: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      required: { name: "required"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      resolvedAt: { name: "resolvedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      server: { name: "server"; type: { kind: "OBJECT"; name: "Server"; ofType: null } };
      severity: {
        name: "severity";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "Severity"; ofType: null } };
      };
      title: {
        name: "title";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      why: {
        name: "why";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  FindingConnection: {
    kind: "OBJECT";
    name: "FindingConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "FindingEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Finding"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  FindingEdge: {
    kind: "OBJECT";
    name: "FindingEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Finding"; ofType: null } };
      };
    };
  };
  Float: unknown;
  Hold: {
    kind: "OBJECT";
    name: "Hold";
    fields: {
      at: {
        name: "at";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      by: {
        name: "by";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      reason: {
        name: "reason";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  HoldBackupInput: {
    kind: "INPUT_OBJECT";
    name: "HoldBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "reason";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  HoldBackupPayload: {
    kind: "OBJECT";
    name: "HoldBackupPayload";
    fields: {
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  ID: unknown;
  Int: unknown;
  JSON: unknown;
  LargeFile: {
    kind: "OBJECT";
    name: "LargeFile";
    fields: {
      bytes: {
        name: "bytes";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      };
      path: {
        name: "path";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  Lsn: unknown;
  Mutation: {
    kind: "OBJECT";
    name: "Mutation";
    fields: {
      addRepository: {
        name: "addRepository";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AddRepositoryPayload"; ofType: null } };
      };
      addServer: {
        name: "addServer";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AddServerPayload"; ofType: null } };
      };
      annotateBackup: {
        name: "annotateBackup";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "AnnotateBackupPayload"; ofType: null };
        };
      };
      applyRetention: {
        name: "applyRetention";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "ApplyRetentionPayload"; ofType: null };
        };
      };
      cancelRun: {
        name: "cancelRun";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "CancelRunPayload"; ofType: null } };
      };
      confirmRecoveryKit: {
        name: "confirmRecoveryKit";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "ConfirmRecoveryKitPayload"; ofType: null };
        };
      };
      createApiToken: {
        name: "createApiToken";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "CreateApiTokenPayload"; ofType: null };
        };
      };
      createPolicy: {
        name: "createPolicy";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "CreatePolicyPayload"; ofType: null } };
      };
      deleteBackup: {
        name: "deleteBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "DeleteBackupPayload"; ofType: null } };
      };
      drillBackup: {
        name: "drillBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "DrillBackupPayload"; ofType: null } };
      };
      holdBackup: {
        name: "holdBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "HoldBackupPayload"; ofType: null } };
      };
      planRestore: {
        name: "planRestore";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PlanRestorePayload"; ofType: null } };
      };
      releaseBackup: {
        name: "releaseBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ReleaseBackupPayload"; ofType: null } };
      };
      removeSchedule: {
        name: "removeSchedule";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "RemoveSchedulePayload"; ofType: null };
        };
      };
      removeServer: {
        name: "removeServer";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RemoveServerPayload"; ofType: null } };
      };
      requestRecoveryKit: {
        name: "requestRecoveryKit";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "RequestRecoveryKitPayload"; ofType: null };
        };
      };
      revokeApiToken: {
        name: "revokeApiToken";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "RevokeApiTokenPayload"; ofType: null };
        };
      };
      runRestore: {
        name: "runRestore";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunRestorePayload"; ofType: null } };
      };
      setSchedule: {
        name: "setSchedule";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "SetSchedulePayload"; ofType: null } };
      };
      takeBackup: {
        name: "takeBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "TakeBackupPayload"; ofType: null } };
      };
      testConnection: {
        name: "testConnection";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: { kind: "OBJECT"; name: "TestConnectionPayload"; ofType: null };
        };
      };
      updatePolicy: {
        name: "updatePolicy";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UpdatePolicyPayload"; ofType: null } };
      };
      updateServer: {
        name: "updateServer";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UpdateServerPayload"; ofType: null } };
      };
      verifyBackup: {
        name: "verifyBackup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "VerifyBackupPayload"; ofType: null } };
      };
    };
  };
  Node: {
    kind: "INTERFACE";
    name: "Node";
    fields: {
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
    };
    possibleTypes:
      | "ApiToken"
      | "AuditEvent"
      | "Backup"
      | "Finding"
      | "Policy"
      | "Repository"
      | "Run"
      | "Schedule"
      | "Server";
  };
  Overview: {
    kind: "OBJECT";
    name: "Overview";
    fields: {
      lastProvenAt: { name: "lastProvenAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      needsYou: {
        name: "needsYou";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Finding"; ofType: null } };
          };
        };
      };
      restorableServers: {
        name: "restorableServers";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      running: {
        name: "running";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Run"; ofType: null } };
          };
        };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      totalServers: {
        name: "totalServers";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  PageInfo: {
    kind: "OBJECT";
    name: "PageInfo";
    fields: {
      endCursor: { name: "endCursor"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      hasNextPage: {
        name: "hasNextPage";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      hasPreviousPage: {
        name: "hasPreviousPage";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      startCursor: { name: "startCursor"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
    };
  };
  PlanCheck: {
    kind: "OBJECT";
    name: "PlanCheck";
    fields: {
      id: {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "StepState"; ofType: null } };
      };
    };
  };
  PlanRestoreInput: {
    kind: "INPUT_OBJECT";
    name: "PlanRestoreInput";
    isOneOf: false;
    inputFields: [
      { name: "backupId"; type: { kind: "SCALAR"; name: "ID"; ofType: null }; defaultValue: null },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "owner"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "serverId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "tablespaces";
        type: {
          kind: "LIST";
          name: never;
          ofType: {
            kind: "NON_NULL";
            name: never;
            ofType: { kind: "INPUT_OBJECT"; name: "TablespaceMappingInput"; ofType: null };
          };
        };
        defaultValue: null;
      },
      {
        name: "targetDirectory";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  PlanRestorePayload: {
    kind: "OBJECT";
    name: "PlanRestorePayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Policy: {
    kind: "OBJECT";
    name: "Policy";
    fields: {
      createdAt: {
        name: "createdAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      keepLast: { name: "keepLast"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
      minimum: {
        name: "minimum";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      version: {
        name: "version";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      windowDays: { name: "windowDays"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
    };
  };
  PolicyConnection: {
    kind: "OBJECT";
    name: "PolicyConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PolicyEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Policy"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  PolicyEdge: {
    kind: "OBJECT";
    name: "PolicyEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Policy"; ofType: null } };
      };
    };
  };
  Proof: {
    kind: "OBJECT";
    name: "Proof";
    fields: {
      at: {
        name: "at";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      checks: {
        name: "checks";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ProofCheck"; ofType: null } };
          };
        };
      };
      ok: {
        name: "ok";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      outcome: {
        name: "outcome";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      phases: {
        name: "phases";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ProofPhase"; ofType: null } };
          };
        };
      };
      rtoMs: { name: "rtoMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
    };
  };
  ProofCheck: {
    kind: "OBJECT";
    name: "ProofCheck";
    fields: {
      detail: {
        name: "detail";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      ok: {
        name: "ok";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
    };
  };
  ProofPhase: {
    kind: "OBJECT";
    name: "ProofPhase";
    fields: {
      durationMs: {
        name: "durationMs";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Float"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  Protection: {
    kind: "OBJECT";
    name: "Protection";
    fields: {
      reasons: {
        name: "reasons";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "ProtectionState"; ofType: null } };
      };
    };
  };
  ProtectionState: {
    name: "ProtectionState";
    enumValues: "AT_RISK" | "DEGRADED" | "PROTECTED" | "UNKNOWN" | "UNPROTECTED" | "UNPROVEN";
  };
  Query: {
    kind: "OBJECT";
    name: "Query";
    fields: {
      apiTokens: {
        name: "apiTokens";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ApiTokenConnection"; ofType: null } };
      };
      auditEvents: {
        name: "auditEvents";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "AuditEventConnection"; ofType: null } };
      };
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      backups: {
        name: "backups";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "BackupConnection"; ofType: null } };
      };
      findings: {
        name: "findings";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "FindingConnection"; ofType: null } };
      };
      node: { name: "node"; type: { kind: "INTERFACE"; name: "Node"; ofType: null } };
      overview: {
        name: "overview";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Overview"; ofType: null } };
      };
      policies: {
        name: "policies";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PolicyConnection"; ofType: null } };
      };
      policy: { name: "policy"; type: { kind: "OBJECT"; name: "Policy"; ofType: null } };
      previewRetention: {
        name: "previewRetention";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RetentionPreview"; ofType: null } };
      };
      previewSchedule: {
        name: "previewSchedule";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "SchedulePreview"; ofType: null } };
      };
      repositories: {
        name: "repositories";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RepositoryConnection"; ofType: null } };
      };
      repository: { name: "repository"; type: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      runs: {
        name: "runs";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunConnection"; ofType: null } };
      };
      schedules: {
        name: "schedules";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ScheduleConnection"; ofType: null } };
      };
      server: { name: "server"; type: { kind: "OBJECT"; name: "Server"; ofType: null } };
      servers: {
        name: "servers";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ServerConnection"; ofType: null } };
      };
      system: {
        name: "system";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "System"; ofType: null } };
      };
      viewer: { name: "viewer"; type: { kind: "OBJECT"; name: "Viewer"; ofType: null } };
    };
  };
  ReleaseBackupInput: {
    kind: "INPUT_OBJECT";
    name: "ReleaseBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
    ];
  };
  ReleaseBackupPayload: {
    kind: "OBJECT";
    name: "ReleaseBackupPayload";
    fields: {
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Remedy: {
    kind: "OBJECT";
    name: "Remedy";
    fields: {
      hba: { name: "hba"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      needs: { name: "needs"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      settings: { name: "settings"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      sql: { name: "sql"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
    };
  };
  RemoveScheduleInput: {
    kind: "INPUT_OBJECT";
    name: "RemoveScheduleInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  RemoveSchedulePayload: {
    kind: "OBJECT";
    name: "RemoveSchedulePayload";
    fields: {
      removedId: { name: "removedId"; type: { kind: "SCALAR"; name: "ID"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  RemoveServerInput: {
    kind: "INPUT_OBJECT";
    name: "RemoveServerInput";
    isOneOf: false;
    inputFields: [
      {
        name: "confirmName";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  RemoveServerPayload: {
    kind: "OBJECT";
    name: "RemoveServerPayload";
    fields: {
      removedId: { name: "removedId"; type: { kind: "SCALAR"; name: "ID"; ofType: null } };
      sentence: { name: "sentence"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Repository: {
    kind: "OBJECT";
    name: "Repository";
    fields: {
      createdAt: {
        name: "createdAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      encrypted: {
        name: "encrypted";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      formatVersion: { name: "formatVersion"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
      freeBytes: { name: "freeBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      location: {
        name: "location";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      recoveryKitSavedAt: { name: "recoveryKitSavedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      servers: {
        name: "servers";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ServerConnection"; ofType: null } };
      };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "RepositoryState"; ofType: null } };
      };
      stateDetail: { name: "stateDetail"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      storedBytes: { name: "storedBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      totalBytes: { name: "totalBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
    };
  };
  RepositoryConnection: {
    kind: "OBJECT";
    name: "RepositoryConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RepositoryEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Repository"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  RepositoryEdge: {
    kind: "OBJECT";
    name: "RepositoryEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      };
    };
  };
  RepositoryState: {
    name: "RepositoryState";
    enumValues: "ATTACHING" | "FAILED" | "FULL" | "READY" | "READ_ONLY" | "UNREACHABLE";
  };
  RequestRecoveryKitInput: {
    kind: "INPUT_OBJECT";
    name: "RequestRecoveryKitInput";
    isOneOf: false;
    inputFields: [
      {
        name: "repositoryId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  RequestRecoveryKitPayload: {
    kind: "OBJECT";
    name: "RequestRecoveryKitPayload";
    fields: {
      downloadToken: { name: "downloadToken"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  RestorePlan: {
    kind: "OBJECT";
    name: "RestorePlan";
    fields: {
      backup: {
        name: "backup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      };
      bytesToRead: {
        name: "bytesToRead";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      };
      bytesToWrite: {
        name: "bytesToWrite";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      };
      checks: {
        name: "checks";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PlanCheck"; ofType: null } };
          };
        };
      };
      equivalentCli: {
        name: "equivalentCli";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      equivalentGraphql: {
        name: "equivalentGraphql";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      fileCount: {
        name: "fileCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      ok: {
        name: "ok";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      planHash: {
        name: "planHash";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      tablespaces: {
        name: "tablespaces";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: {
              kind: "NON_NULL";
              name: never;
              ofType: { kind: "OBJECT"; name: "TablespaceMapping"; ofType: null };
            };
          };
        };
      };
      targetDirectory: {
        name: "targetDirectory";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  RetentionDecision: {
    kind: "OBJECT";
    name: "RetentionDecision";
    fields: {
      backup: {
        name: "backup";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      };
      reasons: {
        name: "reasons";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
    };
  };
  RetentionInput: {
    kind: "INPUT_OBJECT";
    name: "RetentionInput";
    isOneOf: false;
    inputFields: [
      { name: "keepLast"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      { name: "minimum"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      { name: "windowDays"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
    ];
  };
  RetentionPreview: {
    kind: "OBJECT";
    name: "RetentionPreview";
    fields: {
      deleted: {
        name: "deleted";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: {
              kind: "NON_NULL";
              name: never;
              ofType: { kind: "OBJECT"; name: "RetentionDecision"; ofType: null };
            };
          };
        };
      };
      freedBytesAtLeast: { name: "freedBytesAtLeast"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      kept: {
        name: "kept";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: {
              kind: "NON_NULL";
              name: never;
              ofType: { kind: "OBJECT"; name: "RetentionDecision"; ofType: null };
            };
          };
        };
      };
      planHash: {
        name: "planHash";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  RevokeApiTokenInput: {
    kind: "INPUT_OBJECT";
    name: "RevokeApiTokenInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  RevokeApiTokenPayload: {
    kind: "OBJECT";
    name: "RevokeApiTokenPayload";
    fields: {
      token: { name: "token"; type: { kind: "OBJECT"; name: "ApiToken"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Run: {
    kind: "OBJECT";
    name: "Run";
    fields: {
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      cancelEffect: { name: "cancelEffect"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      cancelRequestedAt: { name: "cancelRequestedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      connectionReport: { name: "connectionReport"; type: { kind: "OBJECT"; name: "ConnectionReport"; ofType: null } };
      createdAt: {
        name: "createdAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      done: { name: "done"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      error: { name: "error"; type: { kind: "OBJECT"; name: "RunError"; ofType: null } };
      etaHighMs: { name: "etaHighMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      etaLowMs: { name: "etaLowMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      events: {
        name: "events";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunEvent"; ofType: null } };
          };
        };
      };
      finishedAt: { name: "finishedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      kind: {
        name: "kind";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "RunKind"; ofType: null } };
      };
      lastSeq: {
        name: "lastSeq";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      lateMs: { name: "lateMs"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      phase: { name: "phase"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      rateBytesPerSecond: { name: "rateBytesPerSecond"; type: { kind: "SCALAR"; name: "Float"; ofType: null } };
      repository: { name: "repository"; type: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      requestedBy: {
        name: "requestedBy";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      restorePlan: { name: "restorePlan"; type: { kind: "OBJECT"; name: "RestorePlan"; ofType: null } };
      result: { name: "result"; type: { kind: "SCALAR"; name: "JSON"; ofType: null } };
      retentionPreview: { name: "retentionPreview"; type: { kind: "OBJECT"; name: "RetentionPreview"; ofType: null } };
      schedule: { name: "schedule"; type: { kind: "OBJECT"; name: "Schedule"; ofType: null } };
      scheduledFor: { name: "scheduledFor"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      server: { name: "server"; type: { kind: "OBJECT"; name: "Server"; ofType: null } };
      startedAt: { name: "startedAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      state: {
        name: "state";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "RunState"; ofType: null } };
      };
      total: { name: "total"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      waitingReason: { name: "waitingReason"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
    };
  };
  RunConnection: {
    kind: "OBJECT";
    name: "RunConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Run"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  RunEdge: {
    kind: "OBJECT";
    name: "RunEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Run"; ofType: null } };
      };
    };
  };
  RunError: {
    kind: "OBJECT";
    name: "RunError";
    fields: {
      code: {
        name: "code";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      hint: { name: "hint"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      message: {
        name: "message";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  RunEvent: {
    kind: "OBJECT";
    name: "RunEvent";
    fields: {
      at: {
        name: "at";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      done: { name: "done"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      level: {
        name: "level";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "EventLevel"; ofType: null } };
      };
      message: {
        name: "message";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      phase: { name: "phase"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      runId: {
        name: "runId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
      };
      runState: {
        name: "runState";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "RunState"; ofType: null } };
      };
      seq: {
        name: "seq";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      total: { name: "total"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
    };
  };
  RunKind: {
    name: "RunKind";
    enumValues:
      | "ATTACH_REPOSITORY"
      | "BACKUP"
      | "COLLECT"
      | "CONNECTION_TEST"
      | "DELETE_BACKUP"
      | "DRILL"
      | "MARK"
      | "RECOVERY_KIT"
      | "RESTORE"
      | "RESTORE_PLAN"
      | "RETENTION"
      | "VERIFY";
  };
  RunRestoreInput: {
    kind: "INPUT_OBJECT";
    name: "RunRestoreInput";
    isOneOf: false;
    inputFields: [
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      {
        name: "planHash";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "planRunId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  RunRestorePayload: {
    kind: "OBJECT";
    name: "RunRestorePayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  RunState: {
    name: "RunState";
    enumValues: "CANCELLED" | "FAILED" | "INTERRUPTED" | "QUEUED" | "RUNNING" | "SUCCEEDED" | "WAITING";
  };
  SameSystemChoice: { name: "SameSystemChoice"; enumValues: "COPY" | "MEMBER" };
  Schedule: {
    kind: "OBJECT";
    name: "Schedule";
    fields: {
      cron: {
        name: "cron";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      enabled: {
        name: "enabled";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      kind: {
        name: "kind";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "ScheduleKind"; ofType: null } };
      };
      lastRun: { name: "lastRun"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      nextAt: { name: "nextAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      nextTimes: {
        name: "nextTimes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
          };
        };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      server: {
        name: "server";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Server"; ofType: null } };
      };
      zone: {
        name: "zone";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  ScheduleConnection: {
    kind: "OBJECT";
    name: "ScheduleConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ScheduleEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Schedule"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  ScheduleEdge: {
    kind: "OBJECT";
    name: "ScheduleEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Schedule"; ofType: null } };
      };
    };
  };
  ScheduleKind: { name: "ScheduleKind"; enumValues: "BACKUP" | "DRILL" | "RETENTION" | "VERIFY" };
  SchedulePreview: {
    kind: "OBJECT";
    name: "SchedulePreview";
    fields: {
      error: { name: "error"; type: { kind: "OBJECT"; name: "UserError"; ofType: null } };
      nextTimes: {
        name: "nextTimes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
          };
        };
      };
      sentence: {
        name: "sentence";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  Server: {
    kind: "OBJECT";
    name: "Server";
    fields: {
      backups: {
        name: "backups";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "BackupConnection"; ofType: null } };
      };
      connection: {
        name: "connection";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      createdAt: {
        name: "createdAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      findings: {
        name: "findings";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Finding"; ofType: null } };
          };
        };
      };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      inRecovery: { name: "inRecovery"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      isDemo: {
        name: "isDemo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      lastBackup: { name: "lastBackup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      lastContactAt: { name: "lastContactAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      lastProven: { name: "lastProven"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      majorVersion: { name: "majorVersion"; type: { kind: "SCALAR"; name: "Int"; ofType: null } };
      members: {
        name: "members";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ServerMember"; ofType: null } };
          };
        };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      nextBackupAt: { name: "nextBackupAt"; type: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      policy: {
        name: "policy";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Policy"; ofType: null } };
      };
      protection: {
        name: "protection";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Protection"; ofType: null } };
      };
      repository: {
        name: "repository";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Repository"; ofType: null } };
      };
      runningRun: { name: "runningRun"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      runs: {
        name: "runs";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunConnection"; ofType: null } };
      };
      schedules: {
        name: "schedules";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Schedule"; ofType: null } };
          };
        };
      };
      serverVersion: { name: "serverVersion"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      sizeBytes: { name: "sizeBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      systemIdentifier: { name: "systemIdentifier"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      version: {
        name: "version";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  ServerConnection: {
    kind: "OBJECT";
    name: "ServerConnection";
    fields: {
      edges: {
        name: "edges";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "ServerEdge"; ofType: null } };
          };
        };
      };
      nodes: {
        name: "nodes";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Server"; ofType: null } };
          };
        };
      };
      pageInfo: {
        name: "pageInfo";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "PageInfo"; ofType: null } };
      };
      totalCount: {
        name: "totalCount";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
    };
  };
  ServerEdge: {
    kind: "OBJECT";
    name: "ServerEdge";
    fields: {
      cursor: {
        name: "cursor";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      node: {
        name: "node";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Server"; ofType: null } };
      };
    };
  };
  ServerMember: {
    kind: "OBJECT";
    name: "ServerMember";
    fields: {
      addedAt: {
        name: "addedAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      connection: {
        name: "connection";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  SetScheduleInput: {
    kind: "INPUT_OBJECT";
    name: "SetScheduleInput";
    isOneOf: false;
    inputFields: [
      {
        name: "cron";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      { name: "enabled"; type: { kind: "SCALAR"; name: "Boolean"; ofType: null }; defaultValue: null },
      {
        name: "kind";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "ScheduleKind"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "serverId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "zone";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  SetSchedulePayload: {
    kind: "OBJECT";
    name: "SetSchedulePayload";
    fields: {
      schedule: { name: "schedule"; type: { kind: "OBJECT"; name: "Schedule"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Severity: { name: "Severity"; enumValues: "BLOCKS_BACKUP" | "NOTE" | "RISK" };
  StepState: { name: "StepState"; enumValues: "FAILED" | "OK" | "SKIPPED" | "WARNING" };
  String: unknown;
  Subscription: {
    kind: "OBJECT";
    name: "Subscription";
    fields: {
      runEvents: {
        name: "runEvents";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "RunEvent"; ofType: null } };
      };
    };
  };
  SuspectPages: {
    kind: "OBJECT";
    name: "SuspectPages";
    fields: {
      blocks: {
        name: "blocks";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
          };
        };
      };
      path: {
        name: "path";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  System: {
    kind: "OBJECT";
    name: "System";
    fields: {
      home: { name: "home"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      metadataBackend: {
        name: "metadataBackend";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      queueBackend: {
        name: "queueBackend";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      restoreRoots: {
        name: "restoreRoots";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
      version: {
        name: "version";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      workers: {
        name: "workers";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "Worker"; ofType: null } };
          };
        };
      };
    };
  };
  Tablespace: {
    kind: "OBJECT";
    name: "Tablespace";
    fields: {
      oid: {
        name: "oid";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      path: {
        name: "path";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      sizeBytes: { name: "sizeBytes"; type: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
    };
  };
  TablespaceMapping: {
    kind: "OBJECT";
    name: "TablespaceMapping";
    fields: {
      from: {
        name: "from";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      oid: {
        name: "oid";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      to: {
        name: "to";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  TablespaceMappingInput: {
    kind: "INPUT_OBJECT";
    name: "TablespaceMappingInput";
    isOneOf: false;
    inputFields: [
      {
        name: "from";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
      {
        name: "to";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  TakeBackupInput: {
    kind: "INPUT_OBJECT";
    name: "TakeBackupInput";
    isOneOf: false;
    inputFields: [
      { name: "checkpoint"; type: { kind: "ENUM"; name: "CheckpointMode"; ofType: null }; defaultValue: null },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "label"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "maxRateKib"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      {
        name: "serverId";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
    ];
  };
  TakeBackupPayload: {
    kind: "OBJECT";
    name: "TakeBackupPayload";
    fields: {
      backup: { name: "backup"; type: { kind: "OBJECT"; name: "Backup"; ofType: null } };
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  TestConnectionInput: {
    kind: "INPUT_OBJECT";
    name: "TestConnectionInput";
    isOneOf: false;
    inputFields: [
      { name: "dsn"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "serverId"; type: { kind: "SCALAR"; name: "ID"; ofType: null }; defaultValue: null },
    ];
  };
  TestConnectionPayload: {
    kind: "OBJECT";
    name: "TestConnectionPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  UpdatePolicyInput: {
    kind: "INPUT_OBJECT";
    name: "UpdatePolicyInput";
    isOneOf: false;
    inputFields: [
      { name: "expectedVersion"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "keepLast"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      { name: "minimum"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      { name: "name"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "windowDays"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
    ];
  };
  UpdatePolicyPayload: {
    kind: "OBJECT";
    name: "UpdatePolicyPayload";
    fields: {
      policy: { name: "policy"; type: { kind: "OBJECT"; name: "Policy"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  UpdateServerInput: {
    kind: "INPUT_OBJECT";
    name: "UpdateServerInput";
    isOneOf: false;
    inputFields: [
      { name: "dsn"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "expectedVersion"; type: { kind: "SCALAR"; name: "Int"; ofType: null }; defaultValue: null },
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "name"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
      { name: "policyId"; type: { kind: "SCALAR"; name: "ID"; ofType: null }; defaultValue: null },
      { name: "retention"; type: { kind: "INPUT_OBJECT"; name: "RetentionInput"; ofType: null }; defaultValue: null },
    ];
  };
  UpdateServerPayload: {
    kind: "OBJECT";
    name: "UpdateServerPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      server: { name: "server"; type: { kind: "OBJECT"; name: "Server"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  UserError: {
    kind: "OBJECT";
    name: "UserError";
    fields: {
      code: {
        name: "code";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      field: {
        name: "field";
        type: {
          kind: "LIST";
          name: never;
          ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
        };
      };
      hint: { name: "hint"; type: { kind: "SCALAR"; name: "String"; ofType: null } };
      message: {
        name: "message";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  Verification: {
    kind: "OBJECT";
    name: "Verification";
    fields: {
      at: {
        name: "at";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      checkedBytes: {
        name: "checkedBytes";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "BigInt"; ofType: null } };
      };
      checkedFiles: {
        name: "checkedFiles";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      ok: {
        name: "ok";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      problems: {
        name: "problems";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
          };
        };
      };
    };
  };
  VerifyBackupInput: {
    kind: "INPUT_OBJECT";
    name: "VerifyBackupInput";
    isOneOf: false;
    inputFields: [
      {
        name: "id";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } };
        defaultValue: null;
      },
      { name: "idempotencyKey"; type: { kind: "SCALAR"; name: "String"; ofType: null }; defaultValue: null },
    ];
  };
  VerifyBackupPayload: {
    kind: "OBJECT";
    name: "VerifyBackupPayload";
    fields: {
      run: { name: "run"; type: { kind: "OBJECT"; name: "Run"; ofType: null } };
      userErrors: {
        name: "userErrors";
        type: {
          kind: "NON_NULL";
          name: never;
          ofType: {
            kind: "LIST";
            name: never;
            ofType: { kind: "NON_NULL"; name: never; ofType: { kind: "OBJECT"; name: "UserError"; ofType: null } };
          };
        };
      };
    };
  };
  Viewer: {
    kind: "OBJECT";
    name: "Viewer";
    fields: {
      access: {
        name: "access";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "Access"; ofType: null } };
      };
      kind: {
        name: "kind";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "ENUM"; name: "ViewerKind"; ofType: null } };
      };
      mustChangePassword: {
        name: "mustChangePassword";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      name: {
        name: "name";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
    };
  };
  ViewerKind: { name: "ViewerKind"; enumValues: "TOKEN" | "USER" };
  Worker: {
    kind: "OBJECT";
    name: "Worker";
    fields: {
      alive: {
        name: "alive";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Boolean"; ofType: null } };
      };
      hostname: {
        name: "hostname";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "String"; ofType: null } };
      };
      id: { name: "id"; type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "ID"; ofType: null } } };
      lastSeenAt: {
        name: "lastSeenAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
      pid: {
        name: "pid";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "Int"; ofType: null } };
      };
      startedAt: {
        name: "startedAt";
        type: { kind: "NON_NULL"; name: never; ofType: { kind: "SCALAR"; name: "DateTime"; ofType: null } };
      };
    };
  };
};

/** An IntrospectionQuery representation of your schema.
 *
 * @remarks
 * This is an introspection of your schema saved as a file by GraphQLSP.
 * It will automatically be used by `gql.tada` to infer the types of your GraphQL documents.
 * If you need to reuse this data or update your `scalars`, update `tadaOutputLocation` to
 * instead save to a .ts instead of a .d.ts file.
 */
export type introspection = {
  name: never;
  query: "Query";
  mutation: "Mutation";
  subscription: "Subscription";
  types: introspection_types;
};

import * as gqlTada from "gql.tada";

declare module "gql.tada" {
  interface setupSchema {
    introspection: introspection;
  }
}
