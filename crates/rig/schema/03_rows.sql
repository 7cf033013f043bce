-- Rows, the same for the same scale (dates are relative to the current month). `shop.scale` is set by the caller;
-- 1 gives about 300 000 rows.
CREATE FUNCTION pg_temp.rows(base integer) RETURNS integer LANGUAGE sql STABLE
    AS $$ SELECT greatest(1, (base * current_setting('shop.scale')::float8)::integer) $$;
-- A number from 0 to n - 1 that looks random and is always the same for a seed.
CREATE FUNCTION pg_temp.pick(seed bigint, n integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS $$ SELECT ((hashint8extended(seed, 20) & 9007199254740991) % n)::integer $$;
CREATE FUNCTION pg_temp.product_key(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT md5('product-' || n)::uuid $$;
-- When the n-th order was placed: spread over the last six months.
CREATE FUNCTION pg_temp.order_time(n integer) RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT date_trunc('month', now()) - make_interval(secs => pg_temp.pick(n * 7 + 1, 15552000)) $$;

INSERT INTO region
SELECT code, 'Region ' || code FROM unnest('{DE,FR,IT,ES,PL,NL,AT,SE,CZ,PT}'::text[]) AS code;

INSERT INTO category (parent_id, name)
SELECT CASE WHEN n > 8 THEN (n % 8 + 1) END, 'Category ' || n FROM generate_series(1, 40) AS n;

INSERT INTO customer (email, full_name, region, tier, tags, preferences, born_on, created_at, updated_at)
SELECT 'Customer' || n || '@shop.example',
    (ARRAY['Ada','Grace','Edsger','Barbara','Niklaus','Frances'])[1 + pg_temp.pick(n, 6)] || ' N° ' || n,
    (ARRAY['DE','FR','IT','ES','PL','NL','AT','SE','CZ','PT'])[1 + pg_temp.pick(n + 1, 10)],
    (ARRAY['bronze','silver','gold'])[1 + pg_temp.pick(n + 2, 3)]::customer_tier,
    CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN '{newsletter}' ELSE ARRAY['newsletter', 'group ' || n % 7, 'a "quoted", tag'] END,
    jsonb_build_object('language', (ARRAY['de','fr','en'])[1 + n % 3], 'visits', pg_temp.pick(n, 500), 'dark', n % 2 = 0),
    CASE WHEN n % 9 > 0 THEN date '1950-01-01' + pg_temp.pick(n + 3, 20000) END,
    date_trunc('month', now()) - make_interval(days => pg_temp.pick(n, 900)),
    date_trunc('month', now()) - make_interval(days => pg_temp.pick(n, 300))
FROM generate_series(1, pg_temp.rows(25000)) AS n;

INSERT INTO address
SELECT n, a, 'Street ' || pg_temp.pick(n * 3 + a, 4000), 'City ' || pg_temp.pick(n, 300),
    lpad(pg_temp.pick(n + a, 99999)::text, 5, '0'), (ARRAY['DE','FR','IT','ES','PL'])[1 + pg_temp.pick(n, 5)]
FROM generate_series(1, pg_temp.rows(25000)) AS n, generate_series(1, 1 + n % 2) AS a;

INSERT INTO product (product_id, sku, title, description, price, tax_rate, attributes, category_ids, weight_kg, active, updated_at)
SELECT pg_temp.product_key(n), 'SKU-' || lpad(n::text, 7, '0'), 'Product ' || n,
    -- A few kilobytes, some of it stored out of line.
    repeat('Product ' || n || ' is described at length. ', 5 + pg_temp.pick(n, 40)) || CASE n % 50 WHEN 0 THEN
        (SELECT string_agg(md5(n || '-' || k), ' ') FROM generate_series(1, 300) AS k) ELSE '' END,
    (100 + pg_temp.pick(n, 99900)) / 100.0, (ARRAY[0.19, 0.07])[1 + n % 2],
    jsonb_build_object('colour', (ARRAY['red','green','blue',NULL])[1 + n % 4], 'size', n % 50, 'parts', jsonb_build_array(n, n + 1)),
    ARRAY[1 + n % 40, 1 + n % 7], 0.1 + pg_temp.pick(n, 1000) / 37.0, n % 11 > 0,
    date_trunc('month', now()) - make_interval(days => pg_temp.pick(n, 200))
FROM generate_series(1, pg_temp.rows(6000)) AS n;

INSERT INTO product_image (image_id, product_id, position, content)
SELECT md5('image-' || n)::uuid, pg_temp.product_key(n), 1, decode(repeat(md5(n::text), 8 + n % 90), 'hex')
FROM generate_series(1, pg_temp.rows(3000)) AS n;

INSERT INTO warehouse
SELECT n, 'Warehouse ' || n, make_time(5 + n, 30, 0), ('10.' || n || '.0.0/16')::inet FROM generate_series(1, 3) AS n;

INSERT INTO stock
SELECT w, pg_temp.product_key(n), pg_temp.pick(n * 3 + w, 500), 0, CASE WHEN n % 3 > 0 THEN date_trunc('month', now()) END
FROM generate_series(1, 3) AS w, generate_series(1, pg_temp.rows(6000)) AS n;

INSERT INTO orders (order_id, ordered_at, customer_id, state, note)
SELECT nextval('order_number'), pg_temp.order_time(n), 1 + pg_temp.pick(n, pg_temp.rows(25000)),
    (ARRAY['placed','packed','shipped','delivered','returned'])[1 + pg_temp.pick(n + 5, 5)]::order_state,
    CASE n % 6 WHEN 0 THEN '' WHEN 1 THEN 'Leave it with the neighbour, no. ' || n END
FROM generate_series(1, pg_temp.rows(50000)) AS n;

INSERT INTO order_line
SELECT order_id, ordered_at, l, pg_temp.product_key(1 + pg_temp.pick(order_id * 5 + l, pg_temp.rows(6000))),
    1 + pg_temp.pick(order_id + l, 4), (100 + pg_temp.pick(order_id * l, 9900)) / 100.0, (order_id % 4) / 10.0
FROM orders, generate_series(1, 1 + (order_id % 3)::integer) AS l;

INSERT INTO invoice (order_id, ordered_at, issued_on, total, settled)
SELECT order_id, ordered_at, ordered_at::date, pg_temp.pick(order_id, 90000) / 100.0 + 1, order_id % 5 > 0
FROM orders WHERE order_id % 10 < 6 ORDER BY order_id;

INSERT INTO payment (payment_id, invoice_id, method, amount, details, paid_at)
SELECT md5('payment-' || invoice_id)::uuid, invoice_id,
    (ARRAY['card','transfer','invoice','voucher'])[1 + invoice_id % 4]::payment_method, total,
    CASE WHEN invoice_id % 3 > 0 THEN jsonb_build_object('reference', md5(invoice_id::text)) END, ordered_at + interval '2 days'
FROM invoice WHERE settled;

INSERT INTO voucher (customer_id, value, valid_during, redeemed_at)
SELECT CASE WHEN n % 3 > 0 THEN 1 + pg_temp.pick(n, pg_temp.rows(25000)) END, 5 + n % 10 * 5,
    daterange((date_trunc('month', now()) - make_interval(days => n % 200))::date, NULL), NULL
FROM generate_series(1, pg_temp.rows(3000)) AS n;

INSERT INTO review (product_id, customer_id, rating, body, posted_at)
SELECT pg_temp.product_key(1 + pg_temp.pick(n, pg_temp.rows(6000))), 1 + pg_temp.pick(n + 1, pg_temp.rows(25000)),
    1 + pg_temp.pick(n + 2, 5), repeat('Review ' || n || ': it does what it should. ', 1 + pg_temp.pick(n, 12)),
    date_trunc('month', now()) - make_interval(hours => pg_temp.pick(n, 4000))
FROM generate_series(1, pg_temp.rows(8000)) AS n;

INSERT INTO "Gift Card" ("Message To", "Balance €", "order")
SELECT 'To "N° ' || n || '", it''s yours', n % 20 * 5, CASE WHEN n % 2 = 0 THEN n END
FROM generate_series(1, pg_temp.rows(500)) AS n;

INSERT INTO audit.login_attempt (customer_id, address, succeeded, took, tried_at)
SELECT 1 + pg_temp.pick(n, pg_temp.rows(25000)), ('192.168.' || n % 256 || '.' || pg_temp.pick(n, 256))::inet, n % 20 > 0,
    make_interval(secs => pg_temp.pick(n, 900) / 1000.0), date_trunc('month', now()) - make_interval(mins => pg_temp.pick(n, 90000))
FROM generate_series(1, pg_temp.rows(15000)) AS n;

INSERT INTO audit.change_log
SELECT date_trunc('month', now()) - make_interval(mins => n), 'customer', 'UPDATE', n::text,
    jsonb_build_object('tier', 'bronze'), jsonb_build_object('tier', 'silver')
FROM generate_series(1, pg_temp.rows(2000)) AS n;
