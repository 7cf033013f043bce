-- Types, sequences and functions that the tables' defaults need.
CREATE SCHEMA audit;

CREATE TYPE customer_tier AS ENUM ('bronze', 'silver', 'gold');
CREATE TYPE order_state AS ENUM ('placed', 'packed', 'shipped', 'delivered', 'returned');
CREATE TYPE payment_method AS ENUM ('card', 'transfer', 'invoice', 'voucher');

CREATE DOMAIN email_address AS text CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$');
CREATE DOMAIN region_code AS char(2) CHECK (VALUE ~ '^[A-Z]{2}$');

-- Owned by no column: a tool that follows ownership only would forget both.
CREATE SEQUENCE order_number START 1000001;
CREATE SEQUENCE invoice_counter START 500 CACHE 5;
-- Voucher codes count down.
CREATE SEQUENCE voucher_code INCREMENT -1 MINVALUE 1 MAXVALUE 999999999 START 999999999;

CREATE FUNCTION next_invoice_number() RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT 'INV-' || lpad(nextval('public.invoice_counter')::text, 9, '0') $$;
