-- After the rows: building an index once is cheaper than keeping it while loading.
ALTER TABLE category ADD FOREIGN KEY (parent_id) REFERENCES category;
ALTER TABLE customer ADD FOREIGN KEY (region) REFERENCES region;
ALTER TABLE address ADD FOREIGN KEY (customer_id) REFERENCES customer ON DELETE CASCADE;
ALTER TABLE product_image ADD FOREIGN KEY (product_id) REFERENCES product;
ALTER TABLE stock ADD FOREIGN KEY (warehouse_id) REFERENCES warehouse, ADD FOREIGN KEY (product_id) REFERENCES product;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customer;
ALTER TABLE order_line ADD FOREIGN KEY (order_id, ordered_at) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES product;
ALTER TABLE invoice ADD UNIQUE (invoice_number), ADD FOREIGN KEY (order_id, ordered_at) REFERENCES orders;
ALTER TABLE payment ADD FOREIGN KEY (invoice_id) REFERENCES invoice;
ALTER TABLE voucher ADD FOREIGN KEY (customer_id) REFERENCES customer;
ALTER TABLE review ADD FOREIGN KEY (product_id) REFERENCES product, ADD FOREIGN KEY (customer_id) REFERENCES customer;

CREATE UNIQUE INDEX customer_email_key ON customer (lower(email));
CREATE INDEX product_active_price ON product (price) WHERE active;
CREATE INDEX product_attributes ON product USING gin (attributes);
CREATE INDEX orders_customer ON orders (customer_id, ordered_at);
CREATE INDEX invoice_order ON invoice (order_id, ordered_at);
CREATE INDEX invoice_open ON invoice (issued_on) WHERE NOT settled;
CREATE INDEX review_product ON review (product_id);
CREATE INDEX ledger_entry_client ON ledger_entry (client_id, number);
