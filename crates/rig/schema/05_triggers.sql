CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION audit.record_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The arguments name the key's columns.
    INSERT INTO audit.change_log (table_name, operation, row_key, before, after)
    SELECT TG_TABLE_NAME, TG_OP,
        coalesce((SELECT string_agg(coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> k, '/') FROM unnest(TG_ARGV) AS k), ''),
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    RETURN NULL;
END $$;

CREATE TRIGGER customer_touch BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER product_touch BEFORE UPDATE ON product FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER customer_audit AFTER UPDATE OR DELETE ON customer
    FOR EACH ROW EXECUTE FUNCTION audit.record_change('customer_id');
CREATE TRIGGER voucher_audit AFTER INSERT OR UPDATE OR DELETE ON voucher
    FOR EACH ROW EXECUTE FUNCTION audit.record_change('code');

CREATE VIEW order_summary AS
SELECT o.order_id, o.ordered_at, o.state, c.full_name, count(l.line_no) AS lines,
    sum(l.quantity * l.unit_price * (1 - l.discount::numeric)) AS total
FROM orders o
JOIN customer c USING (customer_id)
LEFT JOIN order_line l USING (order_id, ordered_at)
GROUP BY o.order_id, o.ordered_at, o.state, c.full_name;
