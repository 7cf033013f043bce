-- 1 500 tables, 12 000 columns, 6 000 indexes beside those of 3 000 constraints.
CREATE SCHEMA large;
DO $$
BEGIN
    FOR n IN 1..1500 LOOP
        EXECUTE format('CREATE TABLE large.t%s (id bigint CONSTRAINT t%1$s_pkey PRIMARY KEY, other bigint, name varchar(80) NOT NULL DEFAULT %L, '
            'amount numeric(12, 2) CONSTRAINT t%1$s_amount CHECK (amount >= 0), at timestamptz DEFAULT now(), tags text[], note text, active boolean)', n, 'x');
        EXECUTE format('CREATE INDEX t%s_other ON large.t%1$s (other)', n);
        EXECUTE format('CREATE INDEX t%s_name ON large.t%1$s (lower(name), at DESC)', n);
        EXECUTE format('CREATE INDEX t%s_at ON large.t%1$s (at) WHERE active', n);
        EXECUTE format('CREATE INDEX t%s_tags ON large.t%1$s USING gin (tags)', n);
    END LOOP;
END $$;
