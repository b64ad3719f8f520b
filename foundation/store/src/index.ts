export { type Database, type DatabaseOptions, openDatabase } from './sqlite/database.ts';
export type { Migrations } from './sqlite/migrations.ts';
export { int, type Row, type Sql, type SqlValue } from './sqlite/sql.ts';
