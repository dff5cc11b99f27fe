package sql

import "context"

type DB struct{ n int }
type Tx struct{ n int }
type Rows struct{ n int }
type Result interface {
	LastInsertId() (int64, error)
	RowsAffected() (int64, error)
}
type TxOptions struct{ ReadOnly bool }

var ErrNoRows error
var ErrTxDone error

func Open(driverName, dataSourceName string) (*DB, error)
func (db *DB) Begin() (*Tx, error)
func (db *DB) BeginTx(ctx context.Context, opts *TxOptions) (*Tx, error)
func (db *DB) Close() error
func (db *DB) Exec(query string, args ...any) (Result, error)
func (db *DB) Query(query string, args ...any) (*Rows, error)
func (tx *Tx) Commit() error
func (tx *Tx) Exec(query string, args ...any) (Result, error)
func (tx *Tx) Rollback() error
func (rs *Rows) Close() error
func (rs *Rows) Err() error
func (rs *Rows) Next() bool
func (rs *Rows) Scan(dest ...any) error
