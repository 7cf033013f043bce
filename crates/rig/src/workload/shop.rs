//! What the clients do in the shop. Every statement is text without parameters: PgBouncer before 1.21 breaks prepared
//! statements in transaction pooling. All values are numbers made here.

use rand::Rng;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnection;
use sqlx::{Row, raw_sql};

use crate::ledger::{EntryId, payload};

/// What has to be known of the rows to write valid ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    customers: i64,
    products: i64,
    /// The range of order numbers when the workload started.
    orders: (i64, i64),
}

impl Bounds {
    /// Asks the database.
    pub(crate) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let sql = "SELECT (SELECT max(customer_id) FROM customer), (SELECT count(*) FROM product),
                   (SELECT min(order_id) FROM orders), (SELECT max(order_id) FROM orders)";
        let row = raw_sql(sql).fetch_one(connection).await?;
        let orders = (row.try_get(2)?, row.try_get(3)?);
        Ok(Self { customers: row.try_get(0)?, products: row.try_get(1)?, orders })
    }

    fn order(self, rng: &mut StdRng) -> i64 {
        rng.random_range(self.orders.0..=self.orders.1)
    }

    fn customer(self, rng: &mut StdRng) -> i64 {
        rng.random_range(1..=self.customers)
    }

    /// A product's key, as the schema's generator makes it.
    fn product(self, rng: &mut StdRng) -> String {
        format!("md5('product-' || {})::uuid", rng.random_range(1..=self.products))
    }
}

/// A transaction up to its COMMIT: some business, and the entry by which it will be found again.
pub(crate) fn write(bounds: Bounds, entry: EntryId, rng: &mut StdRng) -> String {
    let business = match rng.random_range(0..100) {
        0..45 => place_order(bounds, rng),
        45..70 => edit_customer(bounds, rng),
        70..75 => settle_invoice(rng),
        75..80 => ship_order(rng),
        80..90 => review(bounds, rng),
        90..95 => log_in(bounds, rng),
        _ => voucher(bounds, rng),
    };
    let EntryId { client, number } = entry;
    let payload = payload(entry);
    format!(
        "BEGIN; {business};
         INSERT INTO ledger_entry (client_id, number, payload) VALUES ({client}, {number}, '{payload}')"
    )
}

/// An order with its lines; the stock's one row comes last, so that its lock is short.
fn place_order(bounds: Bounds, rng: &mut StdRng) -> String {
    let customer = bounds.customer(rng);
    let lines: Vec<String> = (1..=rng.random_range(1..=4))
        .map(|n| format!("({n}, {}, {}, {}.99)", bounds.product(rng), rng.random_range(1..5), rng.random_range(1..200)))
        .collect();
    format!(
        "WITH placed AS (INSERT INTO orders (customer_id) VALUES ({customer}) RETURNING order_id, ordered_at)
         INSERT INTO order_line (order_id, ordered_at, line_no, product_id, quantity, unit_price)
         SELECT order_id, ordered_at, l.n, l.product, l.quantity, l.price
         FROM placed, (VALUES {}) AS l (n, product, quantity, price);
         UPDATE stock SET reserved = reserved + 1 WHERE warehouse_id = {} AND product_id = {}",
        lines.join(", "),
        rng.random_range(1..=3),
        bounds.product(rng)
    )
}

fn edit_customer(bounds: Bounds, rng: &mut StdRng) -> String {
    let customer = bounds.customer(rng);
    let visits = rng.random_range(0..1000);
    format!(
        "UPDATE customer SET preferences = preferences || '{{\"visits\": {visits}}}',
         tier = (ARRAY['bronze','silver','gold'])[1 + {visits} % 3]::customer_tier WHERE customer_id = {customer}"
    )
}

fn settle_invoice(rng: &mut StdRng) -> String {
    let amount = rng.random_range(1..500);
    format!(
        "WITH latest AS (SELECT order_id, ordered_at FROM orders ORDER BY order_id DESC LIMIT 1),
         issued AS (INSERT INTO invoice (order_id, ordered_at, total, settled)
                    SELECT order_id, ordered_at, {amount}.50, true FROM latest RETURNING invoice_id, total)
         INSERT INTO payment (invoice_id, method, amount, details)
         SELECT invoice_id, 'card', total, '{{\"terminal\": {amount}}}' FROM issued"
    )
}

fn ship_order(rng: &mut StdRng) -> String {
    let back = rng.random_range(0..100);
    format!(
        "UPDATE orders SET state = 'shipped' WHERE (order_id, ordered_at) =
         (SELECT order_id, ordered_at FROM orders ORDER BY order_id DESC OFFSET {back} LIMIT 1)"
    )
}

/// Posts a review, and takes back an old one that nobody else is working on.
fn review(bounds: Bounds, rng: &mut StdRng) -> String {
    let (customer, product, rating) = (bounds.customer(rng), bounds.product(rng), rng.random_range(1..=5));
    format!(
        "INSERT INTO review (product_id, customer_id, rating, body)
         VALUES ({product}, {customer}, {rating}, repeat('Still as good as on the first day. ', {rating}));
         DELETE FROM review WHERE review_id =
         (SELECT review_id FROM review ORDER BY review_id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    )
}

fn log_in(bounds: Bounds, rng: &mut StdRng) -> String {
    let customer = bounds.customer(rng);
    format!(
        "INSERT INTO audit.login_attempt (customer_id, address, succeeded, took)
         VALUES ({customer}, '10.0.{}.{}', true, interval '120 ms');
         DELETE FROM audit.login_attempt WHERE attempt_id =
         (SELECT attempt_id FROM audit.login_attempt ORDER BY attempt_id LIMIT 1 FOR UPDATE SKIP LOCKED)",
        rng.random_range(0..256),
        rng.random_range(0..256)
    )
}

fn voucher(bounds: Bounds, rng: &mut StdRng) -> String {
    let customer = bounds.customer(rng);
    format!(
        "INSERT INTO voucher (customer_id, value, valid_during) VALUES ({customer}, 25, daterange(current_date, NULL))"
    )
}

/// A question a shop asks all day.
pub(crate) fn read(bounds: Bounds, rng: &mut StdRng) -> String {
    let customer = bounds.customer(rng);
    match rng.random_range(0..8) {
        0 => cheapest_from(rng),
        1 | 2 => format!("SELECT * FROM order_summary WHERE order_id = {}", bounds.order(rng)),
        3 | 4 => {
            format!("SELECT title, gross_price, attributes FROM product WHERE product_id = {}", bounds.product(rng))
        }
        5 | 6 => format!(
            "SELECT c.full_name, a.* FROM customer c JOIN address a USING (customer_id) WHERE customer_id = {customer}"
        ),
        _ => format!("SELECT rating, count(*) FROM review WHERE product_id = {} GROUP BY rating", bounds.product(rng)),
    }
}

/// A page of a list, each product with what others think of it: eight looks into reviews, so an index that is missing is felt.
fn cheapest_from(rng: &mut StdRng) -> String {
    format!(
        "SELECT p.title, (SELECT avg(r.rating) FROM review r WHERE r.product_id = p.product_id)
         FROM product p WHERE p.active AND p.price >= {} ORDER BY p.price LIMIT 8",
        rng.random_range(1..900)
    )
}
