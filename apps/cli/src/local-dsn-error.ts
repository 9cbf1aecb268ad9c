import { AppError } from "@tidemark/kit";

/** The problem with a local file of logins; passwords are never quoted. */
export function unusable(why: string): AppError {
  return new AppError("dsn-invalid", {
    message: `the connection string cannot be used: ${why}`,
    hint: "write host, user and password into the connection string, or correct the file",
  });
}
