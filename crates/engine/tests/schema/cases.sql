-- One case per entry: kind, object and fact of the one difference that is to be found, then what is changed on the target.
-- --undo: no statement mends it, and this takes the change back.

-- Schemas
--= schema | extra_one | extra
CREATE SCHEMA extra_one
--= schema | "Ünder ""score""; %s" | missing
DROP SCHEMA "Ünder ""score""; %s" CASCADE
--= schema | app | comment
COMMENT ON SCHEMA app IS NULL
--= schema | app | owner
ALTER SCHEMA app OWNER TO postgres
--= schema | app | rights of switchyard_limited
GRANT USAGE ON SCHEMA app TO switchyard_limited

-- Tables
--= table | app.rich | missing
DROP TABLE app.rich
--= table | app.more | extra
CREATE TABLE app.more (x integer PRIMARY KEY, y text UNIQUE)
--= table | app.fast | persistence
ALTER TABLE app.fast SET LOGGED
--= table | app.heir | persistence
ALTER TABLE app.heir SET UNLOGGED
--= table | app.parted | missing
DROP TABLE app.parted
--= table | app.parted_1 | missing
DROP TABLE app.parted_1
--= table | app.parted_2 | missing
DROP TABLE app.parted_2
--= table | app.parted_1 | partition
ALTER TABLE app.parted DETACH PARTITION app.parted_1; ALTER TABLE app.parted ATTACH PARTITION app.parted_1 FOR VALUES FROM ('2026-01-01') TO ('2026-01-20')
--= table | app.parted_1 | partition
ALTER TABLE app.parted DETACH PARTITION app.parted_1
--= table | app.heir | inherits
ALTER TABLE app.heir NO INHERIT app.parent
--= table | app.t | storage options
ALTER TABLE app.t SET (fillfactor = 80, autovacuum_enabled = off)
--= table | app.t | TOAST options
ALTER TABLE app.t RESET (toast.autovacuum_enabled)
--= table | app.child_of_t | replica identity
ALTER TABLE app.child_of_t REPLICA IDENTITY NOTHING
--= table | app.t | row security
ALTER TABLE app.t DISABLE ROW LEVEL SECURITY
--= table | app.fast | row security
ALTER TABLE app.fast ENABLE ROW LEVEL SECURITY
--= table | app.t | forced row security
ALTER TABLE app.t FORCE ROW LEVEL SECURITY
--= table | app.typed | row type
ALTER TABLE app.typed NOT OF
--= table | app.t | comment
COMMENT ON TABLE app.t IS 'another'
--= table | "Ünder ""score""; %s".select | comment
COMMENT ON TABLE "Ünder ""score""; %s"."select" IS NULL
--= table | app.t | owner
ALTER TABLE app.t OWNER TO switchyard
--= table | app.t | rights of switchyard_limited
REVOKE UPDATE ON app.t FROM switchyard_limited; GRANT DELETE ON app.t TO switchyard_limited WITH GRANT OPTION
--= table | app.t | rights of PUBLIC
GRANT SELECT ON app.t TO PUBLIC
--= table | app.t | rights of the owner
REVOKE TRUNCATE ON app.t FROM app
--= table | "Ünder ""score""; %s"."new\nline" | missing
DROP TABLE "Ünder ""score""; %s"."new
line"

-- Foreign tables
--= foreign_table | app.distant | missing
DROP FOREIGN TABLE app.distant
--= foreign_table | app.distant | server options
ALTER FOREIGN TABLE app.distant OPTIONS (SET table_name 'y', ADD schema_name 's')
--= column | app.distant.id | server options
ALTER FOREIGN TABLE app.distant ALTER id OPTIONS (DROP column_name)

-- Columns
--= column | app.child_of_t.at | missing
ALTER TABLE app.child_of_t DROP COLUMN at
--= column | app.t.extra | extra
ALTER TABLE app.t ADD COLUMN extra integer
--= column | app.t.spare | type
ALTER TABLE app.t ALTER spare TYPE bigint
--= column | app.child_of_t.at | type
ALTER TABLE app.child_of_t ALTER at TYPE timestamp(3)
--= column | app.parted.v | missing
ALTER TABLE app.parted DROP COLUMN v
--= column | app.t.state | collation
ALTER TABLE app.t ALTER state TYPE varchar(10) COLLATE "C"
--= column | app.t.c | default
ALTER TABLE app.t ALTER c SET DEFAULT 'z'
--= column | app.parent.y | default
ALTER TABLE app.parent ALTER y DROP DEFAULT
--= column | app.t.spare | not null
ALTER TABLE app.t ALTER spare SET NOT NULL
--= column | app.t.c | not null
ALTER TABLE app.t ALTER c DROP NOT NULL
--= column | app.t.id | identity
ALTER TABLE app.t ALTER id SET GENERATED ALWAYS
--= column | app.t.id | identity
ALTER TABLE app.t ALTER id DROP IDENTITY
--= column | app.child_of_t.t_id | identity
ALTER TABLE app.child_of_t ALTER t_id ADD GENERATED ALWAYS AS IDENTITY
--= column | app.t.g | generated
ALTER TABLE app.t ALTER g DROP EXPRESSION
--= column | app.t.g | generated
ALTER TABLE app.t DROP g, ADD g integer GENERATED ALWAYS AS (s + 2) STORED
--= column | app.t.b | storage
ALTER TABLE app.t ALTER b SET STORAGE EXTENDED
--= column | app.t.b | compression
ALTER TABLE app.t ALTER b SET COMPRESSION default
--= column | app.t.n | statistics target
ALTER TABLE app.t ALTER n SET STATISTICS -1
--= column | app.t.r | options
ALTER TABLE app.t ALTER r SET (n_distinct = 6, n_distinct_inherited = 7)
--= column | app.t.b | comment
COMMENT ON COLUMN app.t.b IS 'it''s another'
--= column | app.t.b | rights of PUBLIC
REVOKE SELECT (b) ON app.t FROM PUBLIC
--= column | "Ünder ""score""; %s".select."<script>alert(1)</script>" | type
ALTER TABLE "Ünder ""score""; %s"."select" ALTER "<script>alert(1)</script>" TYPE varchar(255)
--= column | "Ünder ""score""; %s".select."😀 emoji" | missing
ALTER TABLE "Ünder ""score""; %s"."select" DROP "😀 emoji"

-- Constraints
--= constraint | app.t.t_c_key | missing
ALTER TABLE app.t DROP CONSTRAINT t_c_key
--= constraint | app.t.t_c_key | definition
ALTER TABLE app.t DROP CONSTRAINT t_c_key; ALTER TABLE app.t ADD CONSTRAINT t_c_key UNIQUE (n)
--= constraint | app.t.t_span | missing
ALTER TABLE app.t DROP CONSTRAINT t_span
--= constraint | app.t.n_above | definition
ALTER TABLE app.t DROP CONSTRAINT n_above; ALTER TABLE app.t ADD CONSTRAINT n_above CHECK (n > 1); COMMENT ON CONSTRAINT n_above ON app.t IS 'a constraint'
--= constraint | app.t.n_above | comment
COMMENT ON CONSTRAINT n_above ON app.t IS NULL
--= constraint | app.t.more | extra
ALTER TABLE app.t ADD CONSTRAINT more CHECK (r < 100)
--= constraint | app.child_of_t.later | validity
ALTER TABLE app.child_of_t VALIDATE CONSTRAINT later
--= constraint | app.t.n_above | validity
ALTER TABLE app.t DROP CONSTRAINT n_above; ALTER TABLE app.t ADD CONSTRAINT n_above CHECK (n > 0) NOT VALID; COMMENT ON CONSTRAINT n_above ON app.t IS 'a constraint'
--= constraint | app.child_of_t.child_fk | definition
ALTER TABLE app.child_of_t DROP CONSTRAINT child_fk; ALTER TABLE app.child_of_t ADD CONSTRAINT child_fk FOREIGN KEY (t_id) REFERENCES app.t
--= constraint | app.child_of_t.child_fk | missing
ALTER TABLE app.child_of_t DROP CONSTRAINT child_fk
--= constraint | app.parted.parted_pkey | missing
ALTER TABLE app.parted DROP CONSTRAINT parted_pkey
--= constraint | "Ünder ""score""; %s".select."check 'it'" | missing
ALTER TABLE "Ünder ""score""; %s"."select" DROP CONSTRAINT "check 'it'"
--= constraint | app.t.t_c_key | kind
ALTER TABLE app.t DROP CONSTRAINT t_c_key; CREATE UNIQUE INDEX t_c_key ON app.t (c, n)

-- Indexes
--= index | app.t_r | missing
DROP INDEX app.t_r
--= index | app.more | extra
CREATE INDEX more ON app.t (r)
--= index | app.t_r | definition
DROP INDEX app.t_r; CREATE INDEX t_r ON app.t (r) INCLUDE (n) WHERE r > 1
--= index | app.t_hash | definition
DROP INDEX app.t_hash; CREATE INDEX t_hash ON app.t (m)
--= index | app.t_lower | definition
DROP INDEX app.t_lower; CREATE INDEX t_lower ON app.t (lower(b) text_pattern_ops, r DESC NULLS LAST)
--= index | app.t_r | validity
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.t_r'::regclass
--= index | app.child_at | cluster
ALTER TABLE app.child_of_t CLUSTER ON child_at
--= index | app.t_r | comment
COMMENT ON INDEX app.t_r IS 'x'
--= index | app.parted_v | missing
DROP INDEX app.parted_v
--= index | "Ünder ""score""; %s"."ON ONLY x" | missing
DROP INDEX "Ünder ""score""; %s"."ON ONLY x"
--= index | app.kept_r | missing
DROP INDEX app.kept_r

-- Sequences
--= sequence | app.loose | missing
DROP SEQUENCE app.loose
--= sequence | app.more | extra
CREATE SEQUENCE app.more
--= sequence | app.loose | increment
ALTER SEQUENCE app.loose INCREMENT 7
--= sequence | app.loose | minimum
ALTER SEQUENCE app.loose MINVALUE 2
--= sequence | app.loose | maximum
ALTER SEQUENCE app.loose MAXVALUE 2000
--= sequence | app.loose | start
ALTER SEQUENCE app.loose START 11
--= sequence | app.loose | cache
ALTER SEQUENCE app.loose CACHE 30
--= sequence | app.loose | cycle
ALTER SEQUENCE app.loose NO CYCLE
--= sequence | app.loose | type
ALTER SEQUENCE app.loose AS integer
--= sequence | app.loose | persistence
ALTER SEQUENCE app.loose SET UNLOGGED
--= sequence | app.loose | owned by
ALTER SEQUENCE app.loose OWNED BY app.fast.x
--= sequence | app.t_s_seq | owned by
ALTER SEQUENCE app.t_s_seq OWNED BY NONE
--= sequence | app.t_id_seq | name
ALTER SEQUENCE app.t_id_seq RENAME TO other
--= sequence | app.t_id_seq | increment
ALTER SEQUENCE app.t_id_seq INCREMENT 2
--= sequence | app.loose | rights of switchyard_limited
GRANT USAGE ON SEQUENCE app.loose TO switchyard_limited

-- Views
--= view | app.over | missing
DROP VIEW app.over
--= view | app.seen | definition
CREATE OR REPLACE VIEW app.seen WITH (security_barrier = true) AS SELECT t.id, t.b, t.c FROM app.t WHERE t.n > 2
--= view | app.over | definition
DROP VIEW app.over; CREATE VIEW app.over AS SELECT s.id, count(*) AS many, 1 AS more FROM app.seen s JOIN app.child_of_t c ON c.t_id = s.id GROUP BY s.id
--= view | app.seen | options
ALTER VIEW app.seen SET (check_option = local)
--= view | app.more | extra
CREATE VIEW app.more AS SELECT 1 AS one
--= materialized_view | app.kept | missing
DROP MATERIALIZED VIEW app.kept
--= materialized_view | app.kept | definition
DROP MATERIALIZED VIEW app.kept; CREATE MATERIALIZED VIEW app.kept AS SELECT t.r, max(t.n) AS n FROM app.t GROUP BY t.r; CREATE UNIQUE INDEX kept_r ON app.kept (r)
--= view | app.over | kind
DROP VIEW app.over; CREATE MATERIALIZED VIEW app.over AS SELECT s.id, count(*) AS many FROM app.seen s JOIN app.child_of_t c ON c.t_id = s.id GROUP BY s.id

-- Functions
--= function | app.twice(integer, integer) | missing
DROP FUNCTION app.twice
--= function | app.twice(integer, integer) | definition
CREATE OR REPLACE FUNCTION app.twice(x integer, plus integer DEFAULT 0) RETURNS integer LANGUAGE sql STABLE AS 'SELECT x * 3'
--= function | app.twice(integer, integer) | signature
CREATE OR REPLACE FUNCTION app.twice(x integer, plus integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT x * 2 + plus'
--= function | app.atomic(integer) | body
CREATE OR REPLACE FUNCTION app.atomic(x integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT x + 2; END
--= function | app.work(integer) | missing
DROP PROCEDURE app.work
--= function | app.twice(integer, integer) | rights of PUBLIC
REVOKE EXECUTE ON FUNCTION app.twice FROM PUBLIC
--= function | app.more() | extra
CREATE FUNCTION app.more() RETURNS void LANGUAGE sql AS ''
--= function | app.work(integer) | owner
ALTER PROCEDURE app.work OWNER TO app

-- Triggers and rules
--= trigger | app.t.touch | missing
DROP TRIGGER touch ON app.t
--= trigger | app.t.touch | definition
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON app.t FOR EACH ROW EXECUTE FUNCTION app.touch()
--= trigger | app.t.touch | enabled
ALTER TABLE app.t ENABLE ALWAYS TRIGGER touch
--= trigger | app.t.late | missing
DROP TRIGGER late ON app.t
--= trigger | app.fast.more | extra
CREATE TRIGGER more BEFORE INSERT ON app.fast FOR EACH ROW EXECUTE FUNCTION app.touch()
--= rule | app.child_of_t.no_delete | missing
DROP RULE no_delete ON app.child_of_t
--= rule | app.child_of_t.no_delete | definition
CREATE OR REPLACE RULE no_delete AS ON DELETE TO app.child_of_t WHERE old.t_id = 2 DO INSTEAD NOTHING
--= rule | app.child_of_t.no_delete | enabled
ALTER TABLE app.child_of_t DISABLE RULE no_delete

-- Types
--= type | app.floats | missing
DROP TYPE app.floats
--= type | app.floats | range
DROP TYPE app.floats; CREATE TYPE app.floats AS RANGE (subtype = float8)
--= type | app.mood | labels
ALTER TYPE app.mood RENAME VALUE 'bad' TO 'awful'
--= type | app.pos | extra
CREATE DOMAIN app.pos AS integer
--= type | app.positive | default
ALTER DOMAIN app.positive SET DEFAULT 2
--= type | app.positive | not null
ALTER DOMAIN app.positive DROP NOT NULL
--= type | app.positive | checks
ALTER DOMAIN app.positive DROP CONSTRAINT above; ALTER DOMAIN app.positive ADD CONSTRAINT above CHECK (VALUE > 1)
--= type | app.positive | base type
DROP DOMAIN app.positive; CREATE DOMAIN app.positive AS numeric(12, 2) DEFAULT 1 NOT NULL CONSTRAINT above CHECK (VALUE > 0)
--= type | app.lone | missing
DROP TYPE app.lone
--= type | app.lone | attributes
ALTER TYPE app.lone DROP ATTRIBUTE b, ALTER ATTRIBUTE a TYPE bigint
--= type | app.lone | attributes
ALTER TYPE app.lone ADD ATTRIBUTE c date
--= type | app.lone | attributes
ALTER TYPE app.lone DROP ATTRIBUTE a
--= type | app.mood | comment
COMMENT ON TYPE app.mood IS 'x'
--= type | app.mood | rights of PUBLIC
REVOKE USAGE ON TYPE app.mood FROM PUBLIC

-- Statistics objects
--= statistics | app.t_stats | missing
DROP STATISTICS app.t_stats
--= statistics | app.t_stats | definition
DROP STATISTICS app.t_stats; CREATE STATISTICS app.t_stats (mcv) ON n, r FROM app.t; ALTER STATISTICS app.t_stats SET STATISTICS 200
--= statistics | app.t_stats | target
ALTER STATISTICS app.t_stats SET STATISTICS -1

-- Policies
--= policy | app.t.mine | missing
DROP POLICY mine ON app.t
--= policy | app.t.mine | conditions
ALTER POLICY mine ON app.t USING (r > 7)
--= policy | app.t.mine | roles
ALTER POLICY mine ON app.t TO PUBLIC
--= policy | app.t.mine | command
DROP POLICY mine ON app.t; CREATE POLICY mine ON app.t FOR UPDATE TO app, switchyard_limited USING (r > 0) WITH CHECK (r > 1)
--= policy | app.fast.more | extra
CREATE POLICY more ON app.fast USING (true)

-- Event triggers
--= event_trigger | watch_ddl | missing
DROP EVENT TRIGGER watch_ddl
--= event_trigger | watch_ddl | enabled
ALTER EVENT TRIGGER watch_ddl ENABLE ALWAYS
--= event_trigger | watch_ddl | definition
DROP EVENT TRIGGER watch_ddl; CREATE EVENT TRIGGER watch_ddl ON ddl_command_start EXECUTE FUNCTION app.ddl(); ALTER EVENT TRIGGER watch_ddl DISABLE

-- Foreign servers
--= foreign_data_wrapper | far | options
ALTER FOREIGN DATA WRAPPER far OPTIONS (SET debug 'on')
--= foreign_data_wrapper | far | missing
DROP FOREIGN DATA WRAPPER far CASCADE
--= foreign_data_wrapper | near | extra
CREATE FOREIGN DATA WRAPPER near
--= foreign_data_wrapper | far | functions
ALTER FOREIGN DATA WRAPPER far VALIDATOR postgresql_fdw_validator
--= foreign_server | away | options
ALTER SERVER away OPTIONS (SET host 'h2', DROP dbname)
--= foreign_server | away | version
ALTER SERVER away VERSION '16'
--= foreign_server | away | rights of app
GRANT USAGE ON FOREIGN SERVER away TO app
--= user_mapping | away.app | missing
DROP USER MAPPING FOR app SERVER away
--= user_mapping | away.PUBLIC | extra
CREATE USER MAPPING FOR PUBLIC SERVER away

-- Publications and subscriptions
--= publication | feed | missing
DROP PUBLICATION feed
--= publication | feed | tables
ALTER PUBLICATION feed SET TABLE app.t (id, b) WHERE (id > 11)
--= publication | feed | options
ALTER PUBLICATION feed SET (publish = 'delete', publish_via_partition_root = true)
--= publication | everything | extra
CREATE PUBLICATION everything FOR ALL TABLES
--= subscription | fed | streaming
ALTER SUBSCRIPTION fed SET (streaming = off)
--= subscription | fed | binary
ALTER SUBSCRIPTION fed SET (binary = true)
--= subscription | fed | publications
ALTER SUBSCRIPTION fed SET PUBLICATION another WITH (refresh = false)
--= subscription | fed | synchronous commit
ALTER SUBSCRIPTION fed SET (synchronous_commit = 'on')
--= subscription | fed | missing
DROP SUBSCRIPTION fed
--undo
CREATE SUBSCRIPTION fed CONNECTION 'host=127.0.0.1 port=9 dbname=nowhere' PUBLICATION elsewhere WITH (connect = false, streaming = on, slot_name = NONE)

-- Roles, settings, default privileges
--= role | app | attributes
ALTER ROLE app CREATEDB
--= role | app | connection limit
ALTER ROLE app CONNECTION LIMIT 5
--= role | app | valid until
ALTER ROLE app VALID UNTIL '2030-01-01'
--= role | app | member of
GRANT switchyard_limited TO app
--= setting | database work_mem | value
ALTER DATABASE shop SET work_mem = '16MB'
--= setting | database search_path | missing
ALTER DATABASE shop RESET search_path
--= setting | database lock_timeout | extra
ALTER DATABASE shop SET lock_timeout = '1s'
--= setting | role app in database statement_timeout | missing
ALTER ROLE app IN DATABASE shop RESET statement_timeout
--= setting | role app my.parameter | extra
ALTER ROLE app SET "my.parameter" = 'it''s'
--= default_privileges | tables of app in app | missing
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA app REVOKE SELECT ON TABLES FROM switchyard_limited
--= default_privileges | functions of app | missing
ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT EXECUTE ON FUNCTIONS TO PUBLIC
--= default_privileges | sequences of app in app | extra
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA app GRANT USAGE ON SEQUENCES TO PUBLIC
--= default_privileges | tables of app in app | rights of switchyard_limited
ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA app GRANT DELETE ON TABLES TO switchyard_limited

-- The database
--= database | shop | connection limit
ALTER DATABASE shop CONNECTION LIMIT 50
--= database | shop | comment
COMMENT ON DATABASE shop IS 'x'
--= database | shop | rights of PUBLIC
REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC
--= database | shop | owner
ALTER DATABASE shop OWNER TO postgres
--= database | shop | time zone
ALTER SYSTEM SET TimeZone = 'Asia/Tokyo'
--= large_objects | large objects of app | extra
SET ROLE app; SELECT lo_create(4711); RESET ROLE
--undo
SELECT lo_unlink(4711)

-- Places and ways of storing
--= table | app.fast | tablespace
ALTER TABLE app.fast SET TABLESPACE fast
--= index | app.t_r | tablespace
ALTER INDEX app.t_r SET TABLESPACE fast
--= constraint | app.t.t_pkey | tablespace
ALTER INDEX app.t_pkey SET TABLESPACE fast
--= materialized_view | app.kept | tablespace
ALTER MATERIALIZED VIEW app.kept SET TABLESPACE fast
--= table | app.fast | access method
CREATE ACCESS METHOD another TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE app.fast SET ACCESS METHOD another

-- What is made in another way
--= column | app.t.spare | generated
ALTER TABLE app.t DROP spare, ADD spare integer GENERATED ALWAYS AS (s) STORED
--= foreign_table | app.distant | server
DROP FOREIGN TABLE app.distant; CREATE FOREIGN TABLE app.distant (id integer OPTIONS (column_name 'ID'), b text) SERVER further OPTIONS (table_name 'x')
--= foreign_server | further | missing
DROP SERVER further
--= type | app.lone | sort
DROP TYPE app.lone; CREATE TYPE app.lone AS ENUM ('a')
--= view | app.over | kind
DROP VIEW app.over; CREATE TABLE app.over (id integer, many bigint)
--undo
DROP TABLE app.over; CREATE VIEW app.over AS SELECT s.id, count(*) AS many FROM app.seen s JOIN app.child_of_t c ON c.t_id = s.id GROUP BY s.id
--= table | app.fast | form
DROP TABLE app.fast; CREATE TABLE app.fast (x integer) PARTITION BY LIST (x)
--undo
DROP TABLE app.fast; CREATE UNLOGGED TABLE app.fast (x integer)
